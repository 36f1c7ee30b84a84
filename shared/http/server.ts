import type {
  ServerOptions as HttpOptions,
  IncomingMessage,
  Server,
  ServerResponse,
} from 'node:http'
import { Socket } from 'node:net'
import { createServer } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import { familyOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Answering, answer, type Continue } from './answer.ts'
import { listen } from './listen.ts'
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

interface ServerOptions<Context> extends Answering<Context> {
  readonly host: string
  readonly port: number
  readonly limits: ServerLimits
  /** Plain where absent. */
  readonly tls?: TlsPair | undefined
  readonly clock: Clock
  /** Told of what the service threw; the connection is reset. */
  readonly onDefect: (error: unknown) => void
}

/** How often node:http looks for slow heads: its default of 30 s would make 408 late. */
const checkIntervalMs = 500

/** What is written ahead of a slow reader. Below node's 64 KiB, for thousands of streams. */
const bufferBytes = 16 * 1024

/** Connections at most: an application that leaks them must not take the file descriptors. */
const connectionsMax = 16_384
/** Connections that wait to be taken: a burst of them must not be refused. */
const backlog = 1_024

/**
 * Listens and serves. `localhost` is both loopback addresses, since clients try either first; a
 * machine without IPv6 has one. Rejects with node's error when the port cannot be had.
 */
export async function startServer<Context>(options: ServerOptions<Context>): Promise<HttpServer> {
  const state: State = { inFlight: 0, isLeaving: false, secure: [] }
  const first = buildServer(options, state)
  const isLocal = options.host === 'localhost'
  const host = isLocal ? '127.0.0.1' : options.host
  const port = await listen(first, { host, port: options.port, backlog })
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
  const answering = {
    ...options,
    close(context: Context) {
      state.inFlight--
      options.close(context)
    },
  }
  const serve = (request: IncomingMessage, response: ServerResponse, mustContinue: Continue) => {
    state.inFlight++
    if (state.isLeaving) response.shouldKeepAlive = false
    answer(answering, { request, response, mustContinue, clock: options.clock }).catch(
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
  const { server, secure } = tlsListener(options, { pair: tls })
  state.secure.push(secure)
  return server
}

function applyLimits(server: Server, limits: ServerLimits): void {
  server.headersTimeout = limits.headMs
  server.keepAliveTimeout = limits.keepAliveMs
}

/** False on a machine without IPv6; a port taken there by somebody else is an error. */
async function listensBeside(server: Server, port: number): Promise<boolean> {
  try {
    await listen(server, { host: '::1', port, backlog })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return false
    throw error
  }
}
