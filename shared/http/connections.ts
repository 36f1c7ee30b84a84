import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import { buildConnector, Client } from 'undici'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { InFlight } from '#shared/call/in-flight.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Exchange, type ExchangeLimits, type InboundResponse } from './exchange.ts'
import type { Trust } from './tls-trust.ts'

/** How one origin is connected to. All times in ms; a change makes a pool of its own. */
export interface OriginOptions {
  readonly connectMs: number
  /** Idle time of a pooled connection; below that of the server, or reused ones race. */
  readonly keepAliveMs: number
  /** Connections, and so calls in flight, at most. */
  readonly connectionsMax: number
  readonly headBytesMax: number
  /**
   * Age at which a connection carries no further call, so that load follows servers that came; up to
   * a quarter less by chance, or those that were opened together would all be closed together.
   */
  readonly ageMsMax?: number | undefined
  /** Whom to trust over TLS; node's own authorities where absent. */
  readonly trust?: Trust | undefined
  /** The one of its addresses that stands for the host's name; any where absent. */
  readonly ip?: string | undefined
}

export interface OutboundRequest {
  /** Scheme, host and port. */
  readonly origin: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Flat list: name, value, name, value, … */
  readonly headers: string[]
  readonly body: Buffer | undefined
  /** The body in place of `body`, where it is sent while it comes. */
  readonly stream?: Readable | undefined
}

/**
 * What a connection reads ahead of a slow reader. Below node's 64 KiB: with thousands of streams it
 * is most of a process's memory, and an event is far smaller.
 */
const bufferBytes = 16 * 1024

/**
 * Where every plain connection reads to: what came is copied from it, to its size, at once. Node's own
 * way allocates 64 KiB for each read and keeps it whole while a slow reader holds a piece of it.
 */
const readBuffer = Buffer.alloc(bufferBytes)

function wireOf(origin: string, trust: Trust | undefined): object {
  // One context for all of its connections, and http/1.1 alone by `allowH2: false`.
  if (trust !== undefined) return { secureContext: trust.context }
  if (!origin.startsWith('http:')) return {}
  return {
    onread: {
      buffer: readBuffer,
      callback(this: Readable, bytes: number, buffer: Buffer): boolean {
        const piece = Buffer.allocUnsafe(bytes)
        buffer.copy(piece, 0, 0, bytes)
        return this.push(piece)
      },
    },
  }
}

interface Found {
  readonly address: string
  readonly family: number
}

/** Node's look-up of a name, where its address is known; the name itself is what a certificate has. */
function lookupOf(address: string | undefined): object {
  if (address === undefined) return {}
  const found: Found = { address, family: isIP(address) }
  return {
    lookup(
      _host: string,
      options: { readonly all?: boolean },
      tell: (error: null, found: string | readonly Found[], family?: number) => void,
    ): void {
      if (options.all === true) tell(null, [found])
      else tell(null, address, found.family)
    },
  }
}

/** The share of the greatest age by which some connections end earlier. */
const ageSpread = 0.25

/** One connection, or none yet: it carries one call at a time. */
interface Connection {
  readonly client: Client
  /** Takes it from those that are open; undefined once that is done. */
  leave: Undo | undefined
  /** When it is too old for another call; of a monotonic clock. */
  untilMs: number
}

/**
 * The connections to one origin. A call takes the one that was used last, so that those that nobody
 * needs grow idle and end. One whose call did not end in order carries no other.
 */
export class Connections {
  readonly #origin: string
  readonly #options: OriginOptions
  readonly #connect: buildConnector.connector
  readonly #open = new InFlight<Connection>()
  /** The one used last stands at the end. */
  readonly #idle: Connection[] = []
  #inFlight = 0
  #isClosed = false

  constructor(origin: string, options: OriginOptions) {
    this.#origin = origin
    this.#options = options
    const wire = { ...wireOf(origin, options.trust), ...lookupOf(options.ip) }
    // The name is a variable's: undici passes the rest to node, but its types leave it out.
    const connector = {
      timeout: options.connectMs,
      highWaterMark: bufferBytes,
      allowH2: false,
      ...wire,
    }
    this.#connect = buildConnector(connector)
  }

  /** Calls whose answer has not ended. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Connections that wait for a call. */
  get idle(): number {
    return this.#idle.length
  }

  /** As {@link Origins.exchange}, for the origin that these go to. Also serves when closed. */
  exchange(
    request: Omit<OutboundRequest, 'origin'>,
    limits: ExchangeLimits,
  ): Promise<InboundResponse> {
    const { connectionsMax } = this.#options
    if (this.#inFlight >= connectionsMax) {
      throw new CallError('overloaded', `Cannot call ${limits.peer}: all connections are in use`, {
        connectionsMax,
      })
    }
    const connection = this.#take(limits.clock)
    this.#inFlight++
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(limits, {
        resolve,
        reject,
        done: () => this.#giveBack(connection, exchange.isWhole, limits.clock),
      })
      connection.client.dispatch(
        {
          origin: this.#origin,
          path: request.path,
          method: request.method,
          headers: request.headers,
          body: request.stream ?? request.body ?? null,
        },
        exchange,
      )
      exchange.watchCancellation()
    })
  }

  /** Ends idle connections, and the others when their calls have ended. */
  close(): void {
    this.#isClosed = true
    this.dropIdle()
  }

  /** Ends idle connections: calls to come open others. */
  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) this.#drop(connection)
  }

  /** Ends every connection at once. */
  async destroy(): Promise<void> {
    this.#isClosed = true
    this.#idle.length = 0
    await Promise.all(
      this.#open.all().map((connection) => {
        leave(connection)
        return connection.client.destroy()
      }),
    )
  }

  #take(clock: Clock): Connection {
    const nowMs = clock.now()
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (nowMs < last.untilMs) return last
      this.#drop(last)
    }
    return this.#connection(clock)
  }

  #connection(clock: Clock): Connection {
    const { keepAliveMs, headBytesMax, ageMsMax } = this.#options
    const client = new Client(this.#origin, {
      connect: this.#connect,
      pipelining: 1,
      // Our own timers name their owner, and cost less than undici's per-chunk ones.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      // A server that says how long it waits is left a second before that.
      keepAliveMaxTimeout: keepAliveMs,
      keepAliveTimeoutThreshold: 1_000,
      maxHeaderSize: headBytesMax,
      maxResponseSize: -1,
      strictContentLength: true,
    })
    const connection: Connection = { client, leave: undefined, untilMs: Infinity }
    connection.leave = this.#open.add(connection)
    client.on('connect', () => {
      if (ageMsMax === undefined) return
      connection.untilMs = clock.now() + ageMsMax * (1 - ageSpread * clock.random())
    })
    client.on('disconnect', () => {
      const at = this.#idle.lastIndexOf(connection)
      // One that carries a call is given back by it.
      if (at < 0) return
      this.#idle.splice(at, 1)
      this.#drop(connection)
    })
    return connection
  }

  #giveBack(connection: Connection, isWhole: boolean, clock: Clock): void {
    this.#inFlight--
    // What is ended has no place among the idle.
    if (connection.leave === undefined) return
    const isOver = this.#isClosed || !isWhole || clock.now() >= connection.untilMs
    if (isOver) this.#drop(connection)
    else this.#idle.push(connection)
  }

  /** What undici still does for its call goes on to its end. */
  #drop(connection: Connection): void {
    leave(connection)
    connection.client.close(() => {})
  }
}

function leave(connection: Connection): void {
  connection.leave?.()
  connection.leave = undefined
}
