import type {
  ServerOptions as HttpOptions,
  IncomingMessage,
  Server,
  ServerResponse,
} from 'node:http'
import { Socket } from 'node:net'
import { createServer } from '#shared/builtins.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Service } from '#shared/call/service.ts'
import { familyOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { compact } from './body.ts'
import type { CallRequest, CallResponse } from './call.ts'
import { type HeaderList, lowered } from './headers.ts'
import { incomingBody } from './incoming.ts'
import { refuse, refuseBroken } from './refuse-socket.ts'
import type { TlsPair } from './tls-directory.ts'
import { tlsListener } from './tls-listener.ts'

/** All times in ms. */
export interface ServerLimits {
  readonly headBytesMax: number
  /** To receive a request head. */
  readonly headMs: number
  /** Idle time of a kept connection. */
  readonly keepAliveMs: number
}

export interface HttpServer {
  readonly port: number
  /** Calls whose answer has not ended. */
  inFlight(): number
  /** Takes over changed limits; `headBytesMax` holds for the process. */
  apply(limits: ServerLimits): void
  /** Another certificate for handshakes to come; of a server that was given one. */
  secure(pair: TlsPair): void
  /** Answers carry `connection: close` from here on, so that callers go elsewhere. */
  leave(): void
  /** Accepts nothing more; resolves when the last connection is gone. */
  close(): Promise<void>
  /** Ends every connection at once. */
  destroy(): void
}

interface ServerOptions<Context> {
  readonly host: string
  readonly port: number
  readonly limits: ServerLimits
  /** Plain where absent. */
  readonly tls?: TlsPair | undefined
  readonly clock: Clock
  readonly service: Service<CallRequest, CallResponse, Context>
  /** Makes the context of one call. */
  readonly open: (cancellation: Cancellation) => Context
  /** Told when its answer has ended, however. */
  readonly close: (context: Context) => void
  /** Told of what the service threw; the connection is reset. */
  readonly onDefect: (error: unknown) => void
}

/** How often node:http looks for slow heads: its default of 30 s would make 408 late. */
const checkIntervalMs = 500

/** What is written ahead of a slow reader. Below node's 64 KiB, for thousands of streams. */
const bufferBytes = 16 * 1024

/** Connections at most: an application that leaks them must not take the file descriptors. */
const connectionsMax = 16_384

/**
 * Listens and serves. `localhost` is both loopback addresses, since clients try either first; a
 * machine without IPv6 has one. Rejects with node's error when the port cannot be had.
 */
export async function startServer<Context>(options: ServerOptions<Context>): Promise<HttpServer> {
  const state: State = { inFlight: 0, isLeaving: false, secure: [] }
  const first = buildServer(options, state)
  const isLocal = options.host === 'localhost'
  const port = await listen(first, isLocal ? '127.0.0.1' : options.host, options.port)
  const servers = [first]
  if (isLocal) {
    const second = buildServer(options, state)
    if (await listensBeside(second, port)) servers.push(second)
  }
  return {
    port,
    inFlight: () => state.inFlight,
    apply: (limits) => servers.forEach((server) => applyLimits(server, limits)),
    secure: (pair) => state.secure.forEach((secure) => secure(pair)),
    leave: () => {
      state.isLeaving = true
    },
    async close() {
      await Promise.all(servers.map((server) => new Promise((done) => void server.close(done))))
    },
    destroy: () => servers.forEach((server) => server.closeAllConnections()),
  }
}

interface State {
  inFlight: number
  isLeaving: boolean
  /** Of each listener that speaks TLS. */
  readonly secure: ((pair: TlsPair) => void)[]
}

function buildServer<Context>(options: ServerOptions<Context>, state: State): Server {
  const server = openListener(options, state, {
    maxHeaderSize: options.limits.headBytesMax,
    connectionsCheckingInterval: checkIntervalMs,
    insecureHTTPParser: false,
    requestTimeout: 0,
    noDelay: true,
    highWaterMark: bufferBytes,
    // A client that offers h2c goes on in HTTP/1.1 (RFC 9110, 7.8); anything else is refused.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() !== 'h2c',
  })
  server.maxRequestsPerSocket = 0
  server.maxConnections = connectionsMax
  server.timeout = 0
  applyLimits(server, options.limits)
  const serve = (request: IncomingMessage, response: ServerResponse, mustContinue: Continue) => {
    state.inFlight++
    if (state.isLeaving) response.shouldKeepAlive = false
    answer(options, { request, response, mustContinue, clock: options.clock, state }).catch(
      (error: unknown) => {
        // The layer `rescue` answers errors; what comes past it is a defect above it.
        options.onDefect(error)
        response.destroy()
      },
    )
  }
  server.on('request', (request, response) => serve(request, response, 'continued'))
  server.on('checkContinue', (request, response) => serve(request, response, 'awaited'))
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const error = new CallError('upgrade-refused', 'Cannot upgrade: only HTTP/1.1 is spoken here')
    const { url = '/', headers } = request
    refuse(socket, error, familyOf(url, headers['anthropic-version'] !== undefined))
  })
  server.on('clientError', (error, socket) => {
    if (socket instanceof Socket) refuseBroken(error, socket)
    else socket.destroy()
  })
  return server
}

function openListener<Context>(
  { tls }: ServerOptions<Context>,
  state: State,
  options: HttpOptions,
): Server {
  if (tls === undefined) return createServer(options)
  const { server, secure } = tlsListener(options, tls)
  state.secure.push(secure)
  return server
}

function applyLimits(server: Server, limits: ServerLimits): void {
  server.headersTimeout = limits.headMs
  server.keepAliveTimeout = limits.keepAliveMs
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** False on a machine without IPv6; a port taken there by somebody else is an error. */
async function listensBeside(server: Server, port: number): Promise<boolean> {
  try {
    await listen(server, '::1', port)
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return false
    throw error
  }
}

type Continue = 'continued' | 'awaited'

interface Exchange {
  readonly state: State
  readonly clock: Clock
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly mustContinue: Continue
}

async function answer<Context>(options: ServerOptions<Context>, exchange: Exchange) {
  const { request, response, mustContinue } = exchange
  const cancellation = new Cancellation()
  const context = options.open(cancellation)
  let sent: CallResponse | undefined
  response.once('close', () => {
    exchange.state.inFlight--
    options.close(context)
    if (response.writableFinished) return
    cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller has left'))
    sent?.body.cancel()
  })
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const result = await options.service(
    {
      method: request.method ?? 'GET',
      path: mark < 0 ? url : url.slice(0, mark),
      query: mark < 0 ? '' : url.slice(mark),
      headers: lowered(request.rawHeaders),
      incoming: incomingBody(request, () => {
        if (mustContinue === 'awaited') response.writeContinue()
      }),
      body: Buffer.alloc(0),
    },
    context,
  )
  sent = result
  if (response.destroyed || response.closed) return result.body.cancel()
  return send(exchange, result)
}

function send(exchange: Exchange, result: CallResponse): void {
  const { request, response } = exchange
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  // node:http throws on a trailer where the answer cannot be chunked.
  const canTrail = request.method !== 'HEAD' && request.httpVersionMinor > 0 && result.status >= 200
  const hasNoBody = request.method === 'HEAD' || result.status === 204 || result.status === 304
  const mayTrail = canTrail && !hasNoBody
  response.writeHead(result.status, mayTrail ? result.headers : withoutTrailer(result.headers))
  if (hasNoBody) {
    result.body.cancel()
    response.end()
    return
  }
  const { body } = result
  let hasDrainListener = false
  body.pipe({
    write(chunk) {
      if (response.write(response.writableLength > 0 ? compact(chunk) : chunk)) return true
      if (!hasDrainListener) {
        hasDrainListener = true
        response.on('drain', () => body.resume())
      }
      return false
    },
    end() {
      const trailers = canTrail ? result.trailers?.() : undefined
      if (trailers !== undefined) response.addTrailers(trailers)
      if (request.complete) response.end()
      else linger(exchange)
    },
    // Nothing in the dialect could say it: a reset keeps the cut from looking like an end.
    fail: () => response.destroy(),
  })
}

function withoutTrailer(headers: HeaderList): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'trailer')
}

/** Longest wait for the rest of a request that was refused early. */
const lingerMs = 1_000

/**
 * Ends an answer that came before its request was whole: closing at once would reset the connection
 * under a caller that still sends, and lose the answer with it (RFC 9112, 9.6).
 */
function linger({ request, response, clock }: Exchange): void {
  const undo = clock.after(lingerMs, () => response.end())
  request.once('end', () => response.end())
  response.once('close', undo)
  request.resume()
}
