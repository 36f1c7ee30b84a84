import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Adapters } from './adapters.ts'
import { answerCall } from './call.ts'
import { CallLog } from './call-log.ts'
import { Condition } from './condition.ts'
import { devPage, devPosts } from './dev-mode.ts'
import { type Fault, FaultQueue, parseFault } from './fault.ts'
import type { ReplicaOptions } from './options.ts'
import { json, jsonPage, notFound, type Page, wrongMethod } from './page.ts'
import { ResponseStore } from './providers/response-store.ts'
import { hash32, hexIds, pseudoRandom } from './pseudo-random.ts'
import { readBody } from './read-body.ts'
import { serverPage } from './server-pages.ts'
import { setFault } from './set-fault.ts'
import { surfacePaths } from './surfaces.ts'
import { TextEngine } from './text-engine.ts'

// An aborted answer is short; a client that does not read it in this time would hold the process.
const closeMs = 1_000

const callPaths: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/messages',
  '/v1/responses',
  ...surfacePaths,
])

/** One replica behind its HTTP server. */
export class Host {
  readonly engine: TextEngine
  readonly log: CallLog
  readonly faults = new FaultQueue()
  readonly condition: Condition
  readonly sockets = new Set<Socket>()
  readonly #options: ReplicaOptions
  readonly #adapters: Adapters
  readonly #createdS: number
  readonly #newId: () => string
  readonly #random: () => number
  readonly #responses: ResponseStore | null
  readonly #held = new Set<ServerResponse>()
  #isClosing = false

  /** `kill` ends the server at once, with every connection. */
  constructor(options: ReplicaOptions, kill: () => void) {
    this.#options = options
    this.engine = new TextEngine(options)
    this.log = new CallLog(options.callsKept)
    this.condition = new Condition({ engine: this.engine, clock: options.clock, kill })
    this.#adapters = new Adapters(options.loras)
    this.#createdS = options.clock.unixSeconds()
    this.#newId = hexIds(hash32(`${options.seed}:ids`))
    this.#random = pseudoRandom(hash32(`${options.seed}:splits`))
    this.#responses = options.storesResponses ? new ResponseStore(this.#newId) : null
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET' } = request
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const isCall = callPaths.has(path)
    if (method === 'POST' && (isCall || path === '/sim/faults' || this.#loraPage(path) !== null)) {
      readBody(request, this.#options.bodyBytesMax, (bodyText) => {
        if (bodyText === null) {
          this.#send(request, response, jsonPage(413, { detail: 'Request Entity Too Large' }))
        } else if (isCall) {
          this.#call(request, response, { path, bodyText })
        } else {
          const page = this.#loraPage(path)?.(bodyText) ?? setFault(request, bodyText, this)
          this.#send(request, response, page)
        }
      })
      return
    }
    request.resume()
    if (path === '/metrics' && this.condition.scrape === 'hang') {
      this.#hold(response)
      return
    }
    this.#send(request, response, this.#page(request, path))
  }

  async drain(graceMs: number): Promise<void> {
    this.condition.isDraining = true
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(graceMs, resolve)
    })
    await Promise.race([this.log.whenIdle(), late])
    cancel()
  }

  close(server: Server): Promise<void> {
    this.#isClosing = true
    this.condition.close()
    this.engine.close()
    for (const response of this.#held) response.destroy()
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(closeMs, () => server.closeAllConnections())
      server.close(() => {
        cancel()
        resolve()
      })
      const sweep = () => server.closeIdleConnections()
      void this.log.whenIdle().then(() => this.#options.clock.after(0, sweep))
      sweep()
    })
  }

  /** The options with the adapters of this moment. */
  get #present(): ReplicaOptions {
    return { ...this.#options, loras: this.#adapters.names }
  }

  #loraPage(path: string): ((bodyText: string) => Page) | null {
    if (!this.#options.runtimeLoras) return null
    if (path === '/v1/load_lora_adapter') return (bodyText) => this.#adapters.load(bodyText)
    if (path === '/v1/unload_lora_adapter') return (bodyText) => this.#adapters.unload(bodyText)
    return null
  }

  #page(request: IncomingMessage, path: string): Page {
    const { method = 'GET', url = '/' } = request
    if (callPaths.has(path) || this.#loraPage(path) !== null) return wrongMethod('POST')
    if (path === '/sim/faults') return notFound
    const kept = this.#keptPage(method, url)
    if (kept !== null) return kept
    if (this.#options.devMode) {
      const page = devPage(url, method, this.engine)
      if (page !== null) return page
      if (devPosts.has(path)) return wrongMethod('POST')
    }
    const { engine, condition } = this
    const [createdS, newId] = [this.#createdS, this.#newId]
    const parts = { engine, condition, options: this.#present, createdS, newId }
    return serverPage(path, method, parts)
  }

  /** vLLM retrieves and cancels; null where the path is of no response, or none is kept. */
  #keptPage(method: string, url: string): Page | null {
    const { pathname, searchParams: query } = new URL(url, 'http://localhost')
    const [, id, cancel] = /^\/v1\/responses\/([^/]+)(\/cancel)?$/.exec(pathname) ?? []
    if (this.#responses === null || id === undefined) return null
    const suffix = cancel === undefined ? '' : '/cancel'
    const allowed = cancel === undefined ? 'GET' : 'POST'
    if (method !== allowed) return wrongMethod(allowed)
    const asked = this.#responses.ask('', { id, suffix, method, query })
    if (!('failure' in asked)) {
      const page = jsonPage(200, asked.body)
      const events = { 'content-type': 'text/event-stream; charset=utf-8' }
      return asked.events === undefined
        ? page
        : { ...page, body: asked.events.join(''), headers: events }
    }
    const { status, message, type } = asked.failure
    return jsonPage(status, { error: { message, type, param: null, code: status } })
  }

  #send(request: IncomingMessage, response: ServerResponse, page: Page): void {
    response.writeHead(page.status, {
      server: 'uvicorn',
      ...page.headers,
      'content-length': `${Buffer.byteLength(page.body)}`,
      vary: 'Origin',
      'x-request-id': this.#requestId(request),
    })
    response.end(request.method === 'HEAD' ? '' : page.body)
  }

  #call(
    request: IncomingMessage,
    response: ServerResponse,
    call: { path: string; bodyText: string },
  ): void {
    const fault = this.#faultOf(request)
    if (fault === null) {
      const error = 'Cannot read x-sim-fault: unknown grammar'
      this.#send(request, response, { ...jsonPage(400, { error }), headers: json })
      return
    }
    if (this.#isClosing) response.setHeader('connection', 'close')
    const record = this.log.add({
      path: request.url ?? call.path,
      headers: request.headers,
      bodyText: call.bodyText,
      atMs: this.#options.clock.nowMs(),
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      record.end(response.writableFinished ? 'finished' : 'client-left')
      record.close()
    })
    answerCall({
      ...call,
      request,
      response,
      fault,
      requestId: this.#requestId(request),
      engine: this.engine,
      condition: this.condition,
      options: this.#present,
      newId: this.#newId,
      responses: this.#responses,
      random: this.#random,
      faulted: () => {
        record.end('fault')
        this.#hold(response)
      },
    })
  }

  /** An answer that may never end by itself: the server's end is its own. */
  #hold(response: ServerResponse): void {
    this.#held.add(response)
    response.on('close', () => this.#held.delete(response))
  }

  #requestId(request: IncomingMessage): string {
    const given = request.headers['x-request-id']
    return typeof given === 'string' && given !== '' ? given : this.#newId()
  }

  #faultOf(request: IncomingMessage): Fault | null {
    const asked = request.headers['x-sim-fault']
    if (!this.#options.faultsByHeader || typeof asked !== 'string') return this.faults.take()
    return parseFault(asked)
  }
}
