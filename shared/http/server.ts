import type {
  ServerOptions as HttpOptions,
  IncomingMessage,
  Server,
  ServerResponse,
} from 'node:http'
import { Server as Listener, Socket } from 'node:net'
import { createServer } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import { type Family, familyOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Answering, answer, type Continue } from './answer.ts'
import { Arrivals } from './arrivals.ts'
import { Callers } from './callers.ts'
import { headFault } from './head-fault.ts'
import { listen } from './listen.ts'
import { part } from './part.ts'
import { refuseBehind, refuseBroken } from './refuse-socket.ts'
import { requestTarget } from './request-target.ts'
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
  /** How long nobody has asked anything since `leave`, in ms. */
  quietMs(): number
  /**
   * Accepts nothing more, and parts with callers as their connections carry no call; resolves when the
   * last connection is gone. No question is lost: one that crosses the end is told so.
   */
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
  const state: State = { inFlight: 0, isLeaving: false, askedMs: -Infinity, secure: [], part: [] }
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
    quietMs: () => options.clock.now() - state.askedMs,
    async close() {
      // Who has connected by now is taken: closing resets what nobody has taken.
      await new Promise((next) => setImmediate(next))
      const closed = Promise.all(servers.map(closeListener))
      for (const each of state.part) each()
      await closed
    },
    destroy: () => servers.forEach((server) => server.closeAllConnections()),
  }
}

interface State {
  inFlight: number
  isLeaving: boolean
  /** Of the last question since it is leaving. */
  askedMs: number
  /** Of each listener that speaks TLS. */
  readonly secure: ((pair: TlsPair) => void)[]
  /** Parts with the callers of each listener. */
  readonly part: (() => void)[]
}

function buildServer<Context>(options: ServerOptions<Context>, state: State): Server {
  const server = openListener(options, state, {
    maxHeaderSize: options.limits.headBytesMax,
    connectionsCheckingInterval: checkIntervalMs,
    insecureHTTPParser: false,
    // Looked at below: node's own refusal has no body.
    requireHostHeader: false,
    requestTimeout: 0,
    noDelay: true,
    highWaterMark: bufferBytes,
    // A client that offers h2c goes on in HTTP/1.1 (RFC 9110, 7.8); anything else is refused.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() !== 'h2c',
  })
  server.maxRequestsPerSocket = 0
  // Their bytes have a limit. Node drops what is beyond a count without a word: the key, the encoding.
  server.maxHeadersCount = 0
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
  const arrivals = new Arrivals(options.clock)
  const { clock } = options
  const callers = new Callers()
  /** Once of a connection, whose last answer it is. */
  const refuseNext = (socket: Socket, error: CallError, request: IncomingMessage) => {
    const caller = callers.of(socket)
    if (!caller.refuse()) return
    deafen(socket)
    refuseBehind(caller.answer, socket, { error, family: familyFor(request), clock })
  }
  const serve = (request: IncomingMessage, response: ServerResponse, mustContinue: Continue) => {
    const caller = callers.of(request.socket)
    // Of the piece in which the refused question came.
    if (caller.isRefused) return
    const fault = headFault(request)
    if (fault !== undefined) return refuseNext(request.socket, fault, request)
    state.inFlight++
    caller.answering(response)
    if (state.isLeaving) {
      response.shouldKeepAlive = false
      state.askedMs = clock.now()
    }
    const waitedMs = arrivals.waitedMs(request.socket)
    answer(answering, { request, response, mustContinue, waitedMs, clock: options.clock }).catch(
      (error: unknown) => {
        // The layer `rescue` answers errors; what comes past it is a defect above it.
        options.onDefect(error)
        response.destroy()
      },
    )
  }
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    arrivals.accepted(socket)
    callers.accepted(socket)
  })
  const partFrom = (socket: Socket) => {
    if (!callers.of(socket).refuse()) return
    deafen(socket)
    part(socket, clock)
  }
  state.part.push(() => {
    for (const socket of callers.open()) {
      const { answer } = callers.of(socket)
      if (answer === undefined) partFrom(socket)
      else answer.once('close', () => partFrom(socket))
    }
  })
  server.on('request', (request, response) => serve(request, response, 'continued'))
  server.on('checkContinue', (request, response) => serve(request, response, 'awaited'))
  // Another expectation may be left unheeded (RFC 9110, 10.1.1): node's own refusal has no body.
  server.on('checkExpectation', (request, response) => serve(request, response, 'continued'))
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    keepErrors(socket)
    const why = 'Cannot upgrade: only HTTP/1.1 is spoken here'
    refuseNext(socket, new CallError('upgrade-refused', why), request)
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    keepErrors(socket)
    const why = 'Cannot serve CONNECT: this is no proxy'
    refuseNext(socket, new CallError('method-not-allowed', why), request)
  })
  server.on('clientError', (error, socket) => {
    if (!(socket instanceof Socket)) return void socket.destroy()
    // Each further piece of what is no request is an error again.
    const caller = callers.of(socket)
    if (!caller.refuse()) return
    refuseBroken(error, { socket, last: caller.answer, clock })
  })
  return server
}

/**
 * Resolves when its last connection is gone. Not node:http's own way, which first destroys the
 * connections that it takes for idle, with the questions that are on their way to them.
 */
function closeListener(server: Server): Promise<void> {
  return new Promise((resolve) => {
    Listener.prototype.close.call(server, () => {
      // What is left of it is the timer that looks for slow heads.
      server.close()
      resolve()
    })
  })
}

/** Node hands such a connection over without a listener: a caller that resets it would end the process. */
function keepErrors(socket: Socket): void {
  socket.on('error', () => socket.destroy())
}

/** What comes is read and dropped: parsed, it would stay in memory until the connection ends. */
function deafen(socket: Socket): void {
  socket.removeAllListeners('data')
  socket.on('data', () => undefined)
}

function familyFor({ url = '/', headers }: IncomingMessage): Family {
  const { path, family } = requestTarget(url)
  return family ?? familyOf(path, headers['anthropic-version'] !== undefined)
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
