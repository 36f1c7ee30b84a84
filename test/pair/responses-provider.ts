import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { base, linesOf, type Plan, type PlanName, plans } from './responses-plans.ts'

/** A provider of Responses that does as the header `x-plan` of a call says. */
export class ResponsesProvider {
  readonly #server: Server
  /** Bodies of the calls that have come. */
  readonly bodies: string[] = []
  /** When the connections of calls closed that had no answer yet, by `performance.now`. */
  readonly leftMs: number[] = []
  /** Writes the last event of a stream whose plan is late. */
  finish: () => void = () => undefined

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.keepAliveTimeout = 60_000
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    const address = this.#server.address() as AddressInfo
    return address.port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method !== 'POST') {
      response.end('{"object":"list","data":[]}')
      return
    }
    response.on('close', () => {
      if (!response.writableEnded) this.leftMs.push(performance.now())
    })
    const body = Buffer.concat(chunks).toString()
    this.bodies.push(body)
    const asked = planOf(request.headers['x-plan'])
    // What a tool has said is answered in words.
    const name = body.includes('function_call_output') ? 'text' : asked
    const { stream } = JSON.parse(body)
    if (stream === true) this.#stream(response, name)
    else {
      response.setHeader('content-type', 'application/json')
      const { whole = base }: Plan = plans[name]
      response.end(JSON.stringify(whole))
    }
  }

  #stream(response: ServerResponse, name: PlanName): void {
    const plan: Plan = plans[name]
    const { ends = 'cleanly', isLate } = plan
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const lines = linesOf(plan)
    const last = isLate === true ? lines.pop() : undefined
    const all = lines.join('')
    if (last !== undefined) {
      response.write(all)
      this.finish = () => response.end(last)
    } else if (ends === 'cleanly') response.end(all)
    else if (ends === 'never') response.write(all)
    // Behind the bytes, not in their place.
    else response.write(all, () => response.destroy())
  }
}

function planOf(header: string | string[] | undefined): PlanName {
  const names = Object.keys(plans) as PlanName[]
  return names.find((name) => name === header) ?? 'text'
}
