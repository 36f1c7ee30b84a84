import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { answerOf, eventsOf, type Surface, surfaceNames, surfaces } from './surfaces.ts'

/** One call as it came to the provider, and the pen for its answer. */
export class Exchange {
  readonly surface: Surface
  readonly headers: IncomingHttpHeaders
  /** Names and values in the order in which they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Resolves when the connection is closed by the other side, or with the answer's end. */
  readonly closed: Promise<unknown>
  readonly response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, body: Buffer) {
    const path = request.url?.split('?')[0]
    this.surface = surfaceNames.find((name) => surfaces[name].path === path) ?? 'chat'
    this.headers = request.headers
    this.rawHeaders = request.rawHeaders
    this.body = body
    this.response = response
    this.closed = new Promise((resolve) => response.once('close', resolve))
    response.socket?.setNoDelay(true)
  }

  get streams(): boolean {
    return /"stream":\s*true/.test(this.body.toString('latin1'))
  }

  /** Whether the other side closed the connection before the answer's end. */
  get isLeft(): boolean {
    return this.response.destroyed && !this.response.writableEnded
  }

  head(status = 200, headers: Readonly<Record<string, string>> = {}): void {
    const type = this.streams && status === 200 ? 'text/event-stream' : 'application/json'
    this.response.writeHead(status, { 'content-type': type, ...headers })
  }

  /** Resolves when the bytes are with the kernel: what comes next is another segment. */
  write(text: string | Buffer): Promise<unknown> {
    return new Promise((resolve) => this.response.write(text, resolve))
  }

  /** Answers in full, as any provider does. */
  answer(): void {
    this.head()
    if (!this.streams) {
      this.response.end(answerOf(this.surface))
      return
    }
    for (const event of eventsOf(this.surface)) this.response.write(event)
    this.response.end()
  }
}

/** A header with which a call waits for its test; all others are answered in full. */
export const held = { 'x-held': 'yes' } as const

/** A provider of every surface, whose answers to held calls are the test's to write. */
export class HeldProvider {
  readonly #server: Server
  readonly #exchanges = new Map<string, Exchange[]>()
  #waiters: (() => void)[] = []
  /** In place of a full answer, of calls that are not held. */
  onCall: (exchange: Exchange) => void = (exchange) => exchange.answer()

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.keepAliveTimeout = 60_000
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** How often the call has come. */
  tries(id: string): number {
    return this.#exchanges.get(id)?.length ?? 0
  }

  /** Its first try, once it has come. */
  async exchange(id: string): Promise<Exchange> {
    for (;;) {
      const [first] = this.#exchanges.get(id) ?? []
      if (first !== undefined) return first
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  /** Connections that are open. */
  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_, count) => resolve(count)))
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    response.on('error', () => undefined)
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      // Its caller left within the question.
      return
    }
    if (request.method !== 'POST') {
      response.end('{"object":"list","data":[]}')
      return
    }
    const exchange = new Exchange(request, response, Buffer.concat(chunks))
    const id = String(request.headers['x-request-id'])
    this.#exchanges.set(id, [...(this.#exchanges.get(id) ?? []), exchange])
    for (const resolve of this.#waiters.splice(0)) resolve()
    if (request.headers['x-held'] === undefined) this.onCall(exchange)
  }
}
