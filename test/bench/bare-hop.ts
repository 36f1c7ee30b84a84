import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { listen, say } from './child.ts'

/** What one hop costs at the least on Node: node:http, undici `dispatch`, nothing in between. */
const pool = new Pool(`http://127.0.0.1:${Number(process.argv[2])}`, {
  // As many as the halves have: a call that waits for one would be measured as a slow one.
  connections: 2_048,
  pipelining: 1,
  allowH2: false,
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 55_000,
})

const ofTheHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host'])

/** Flat list of names and values without those of the connection. */
function passed(raw: readonly (string | Buffer)[]): string[] {
  const headers: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = String(raw[at])
    if (!ofTheHop.has(name.toLowerCase())) headers.push(name, String(raw[at + 1]))
  }
  return headers
}

class Copy implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  // undici knows a handler of its current interface by this method.
  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const raw = controller.rawHeaders
    this.#response.writeHead(status, Array.isArray(raw) ? passed(raw) : [])
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return
    controller.pause()
    this.#response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    this.#response.end()
  }

  onResponseError(): void {
    this.#response.destroy()
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [first] = chunks
    pool.dispatch(
      {
        path: request.url ?? '/',
        method: 'POST',
        headers: passed(request.rawHeaders),
        body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
      },
      new Copy(response),
    )
  })
})
server.keepAliveTimeout = 120_000
say({ port: await listen(server) })
