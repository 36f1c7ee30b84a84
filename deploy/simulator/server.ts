import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerCall } from './call.ts'
import { CallLog, type CallRecord } from './call-log.ts'
import { Engine } from './engine.ts'
import { type Fault, FaultQueue, parseFault } from './fault.ts'
import { metricsText } from './metrics.ts'
import { modelsText } from './models.ts'
import { isFields, parseJson } from './narrow.ts'
import { type ReplicaOptions, replicaDefaults } from './options.ts'
import { hash32, hexIds, pseudoRandom } from './pseudo-random.ts'
import { surfacePaths } from './surfaces.ts'

/** A simulated vLLM server that listens on 127.0.0.1. */
export interface Replica {
  readonly port: number
  /** Faults of the next calls, as `POST /sim/faults` sets them. */
  readonly faults: FaultQueue
  /** The calls it has had, oldest first. */
  calls(): readonly CallRecord[]
  /** Resolves once no call is live. */
  whenIdle(): Promise<void>
  gauges(): { running: number; waiting: number; cacheUsage: number; generationTokens: number }
  /**
   * Aborts every call the way vLLM does at SIGTERM, then closes; a socket that still holds after
   * one second is cut.
   */
  close(): Promise<void>
}

// An aborted answer is short; a client that does not read it in this time would hold the process.
const closeMs = 1_000

const callPaths: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/messages',
  '/v1/responses',
  ...surfacePaths,
])

/** Starts a replica. Errors: what `listen` gives, such as a port in use. */
export async function startReplica(given: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const options = { ...replicaDefaults, ...given }
  const host = new Host(options)
  const server = createServer((request, response) => host.serve(request, response))
  // uvicorn's own: a client's pool must expire sooner.
  server.keepAliveTimeout = 5_000
  server.keepAliveTimeoutBuffer = 0
  // A queued answer may take minutes, and the simulator's faults stall on purpose.
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const { engine, log } = host
  return {
    port,
    faults: host.faults,
    calls: () => log.list(),
    whenIdle: () => log.whenIdle(),
    gauges: () => ({
      running: engine.running,
      waiting: engine.waiting,
      cacheUsage: engine.cacheUsage,
      generationTokens: engine.statistics.generationTokens,
    }),
    close: () => host.close(server),
  }
}

class Host {
  readonly engine: Engine
  readonly log: CallLog
  readonly faults = new FaultQueue()
  readonly #options: ReplicaOptions
  readonly #createdS: number
  readonly #newId: () => string
  readonly #random: () => number
  readonly #held = new Set<ServerResponse>()
  #isClosing = false

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.engine = new Engine(options)
    this.log = new CallLog(options.callsKept)
    this.#createdS = options.clock.unixSeconds()
    this.#newId = hexIds(hash32(`${options.seed}:ids`))
    this.#random = pseudoRandom(hash32(`${options.seed}:splits`))
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (request.method === 'POST' && (callPaths.has(path) || path === '/sim/faults')) {
      this.#readBody(request, response, (bodyText) => {
        if (path === '/sim/faults') this.#setFaults(request, response, bodyText)
        else this.#call(request, response, { path, bodyText })
      })
      return
    }
    request.resume()
    const answer = this.#page(path, request.method ?? 'GET')
    const length = `${Buffer.byteLength(answer.body)}`
    response.writeHead(answer.status, {
      server: 'uvicorn',
      ...answer.headers,
      'content-length': length,
      vary: 'Origin',
      'x-request-id': this.#requestId(request),
    })
    response.end(request.method === 'HEAD' ? '' : answer.body)
  }

  close(server: Server): Promise<void> {
    this.#isClosing = true
    this.engine.abortAll()
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

  #call(
    request: IncomingMessage,
    response: ServerResponse,
    call: { path: string; bodyText: string },
  ): void {
    const fault = this.#faultOf(request)
    if (fault === null) {
      sendJson(response, 400, '{"error":"Cannot read x-sim-fault: unknown grammar"}')
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
      this.#held.delete(response)
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
      options: this.#options,
      newId: this.#newId,
      random: this.#random,
      faulted: () => {
        record.end('fault')
        this.#held.add(response)
      },
    })
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

  #readBody(
    request: IncomingMessage,
    response: ServerResponse,
    done: (text: string) => void,
  ): void {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= this.#options.bodyBytesMax) chunks.push(chunk)
    })
    // A client that leaves in the middle of its request has no call to record.
    request.on('error', () => undefined)
    request.on('end', () => {
      if (bytes <= this.#options.bodyBytesMax) done(Buffer.concat(chunks).toString('utf8'))
      else sendJson(response, 413, '{"detail":"Request Entity Too Large"}')
    })
  }

  #setFaults(request: IncomingMessage, response: ServerResponse, bodyText: string): void {
    const remote = request.socket.remoteAddress ?? ''
    if (!remote.startsWith('127.') && remote !== '::1' && !remote.startsWith('::ffff:127.')) {
      sendJson(response, 404, '{"detail":"Not Found"}')
      return
    }
    const body = parseJson(bodyText)
    const fault = isFields(body) ? body['fault'] : undefined
    const count = isFields(body) ? (body['count'] ?? 1) : undefined
    if (
      typeof fault !== 'string' ||
      typeof count !== 'number' ||
      !Number.isInteger(count) ||
      count < 0
    ) {
      sendJson(
        response,
        400,
        '{"error":"Cannot set a fault: the body must be {\\"fault\\": text, \\"count\\": n}"}',
      )
    } else if (!this.faults.add(fault, count)) {
      sendJson(
        response,
        400,
        JSON.stringify({ error: `Cannot set fault "${fault}": unknown grammar` }),
      )
    } else {
      sendJson(response, 200, JSON.stringify({ fault, count }))
    }
  }

  #page(path: string, method: string): Page {
    if (callPaths.has(path)) {
      return {
        status: 405,
        body: '{"detail":"Method Not Allowed"}',
        headers: { ...json, allow: 'POST' },
      }
    }
    const pages: Readonly<Record<string, () => Page>> = {
      '/health': () => ({ status: 200, body: '', headers: {} }),
      '/ping': () => ({ status: 200, body: '', headers: {} }),
      '/load': () => ({ status: 200, body: '{"server_load":0}', headers: json }),
      '/version': () => ({ status: 200, body: '{"version":"0.32.0"}', headers: json }),
      '/v1/models': () => ({
        status: 200,
        body: modelsText(this.#options, this.#newId()),
        headers: json,
      }),
      '/metrics': () => ({
        status: 200,
        body: metricsText(this.engine, this.#options, this.#createdS),
        headers: plain,
      }),
    }
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page === undefined) return { status: 404, body: '{"detail":"Not Found"}', headers: json }
    if (method === 'GET' || method === 'HEAD') return page()
    return {
      status: 405,
      body: '{"detail":"Method Not Allowed"}',
      headers: { ...json, allow: 'GET' },
    }
  }
}

interface Page {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const json = { 'content-type': 'application/json' }
const plain = { 'content-type': 'text/plain; version=1.0.0; charset=utf-8' }

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { ...json, 'content-length': `${Buffer.byteLength(body)}` })
  response.end(body)
}
