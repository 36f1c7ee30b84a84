import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type SignalSettings, signalDefaults } from '#ambassador/pool/signals/ask-page.ts'
import { Signals } from '#ambassador/pool/signals/signals.ts'
import { Origins } from '#shared/http/client.ts'
import { manualClock } from '#test/manual-clock.ts'

/** How a page is answered: its text, or whatever a hand does with the response. */
export type Route = string | ((response: ServerResponse, request: IncomingMessage) => void)

/** A server whose pages are set one by one; those that are not are 404, as vLLM's are. */
export async function startPages(context: TestContext) {
  const routes = new Map<string, Route>()
  const asked: string[] = []
  const headers: IncomingMessage['headers'][] = []
  let open = 0
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    headers.push(request.headers)
    open++
    response.on('close', () => open--)
    const route = routes.get(path)
    if (typeof route === 'function') route(response, request)
    else if (route === undefined) response.writeHead(404).end('{"detail":"Not Found"}')
    else response.end(route)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    routes,
    asked,
    headers,
    /** Questions that are not answered whole. */
    open: () => open,
    count: (path: string) => asked.filter((each) => each === path).length,
  }
}

/** Signals on a clock that moves only when told, over real connections. */
export function startSignals(context: TestContext, given: Partial<SignalSettings> = {}) {
  const clock = manualClock()
  const origins = new Origins()
  const settings = { ...signalDefaults, ...given }
  const told: string[] = []
  const signals = new Signals({
    clock,
    origins,
    onScrape: (origin, { running }) => told.push(`scrape ${origin} ${running}`),
    onRestart: (origin) => told.push(`restart ${origin}`),
  })
  context.after(async () => {
    signals.close()
    await origins.destroy()
  })
  const scrapes = () => told.filter((each) => each.startsWith('scrape')).length
  const failures = () => signals.view().reduce((sum, { failures }) => sum + failures, 0)
  /** The next turn of a lone replica, until what came of it is known. */
  const turn = async (ms = settings.intervalMs) => {
    const before = [scrapes(), failures()].join()
    clock.advance(ms)
    await until(() => [scrapes(), failures()].join() !== before)
  }
  return { clock, origins, signals, settings, told, turn }
}

/** Lets sockets go on until `isSo`. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}
