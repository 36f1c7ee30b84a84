import type { Readable } from 'node:stream'
import { Pool } from 'undici'
import { CallError } from '#shared/errors/call-error.ts'
import { Exchange, type ExchangeLimits, type InboundResponse } from './exchange.ts'
import type { Trust } from './tls-trust.ts'

export type { InboundResponse } from './exchange.ts'

/** How one origin is connected to. All times in ms; a change makes a pool of its own. */
export interface OriginOptions {
  readonly connectMs: number
  /** Idle time of a pooled connection; below that of the server, or reused ones race. */
  readonly keepAliveMs: number
  /** Connections, and so calls in flight, at most. */
  readonly connectionsMax: number
  readonly headBytesMax: number
  /** Whom to trust over TLS; node's own authorities where absent. */
  readonly trust?: Trust | undefined
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
  // One context for all of its connections, and http/1.1 alone by undici's `allowH2: false`.
  if (trust !== undefined) return { secureContext: trust.context }
  if (!origin.startsWith('http:')) return {}
  return {
    onread: {
      buffer: readBuffer,
      callback(this: Readable, bytes: number, buffer: Buffer): boolean {
        return this.push(Buffer.from(buffer.subarray(0, bytes)))
      },
    },
  }
}

/** Pools of connections, one per origin and options. */
export class Origins {
  readonly #pools = new Map<string, { pool: Pool; inFlight: number }>()

  /**
   * Sends a request; resolves with the head. Rejects with `connect-failed`, `connect-timeout`,
   * `head-timeout`, `upstream-reset`, `overloaded`, or the reason of the cancellation. The limits
   * hold until the body has ended.
   */
  exchange(
    request: OutboundRequest,
    options: OriginOptions,
    limits: ExchangeLimits,
  ): Promise<InboundResponse> {
    const entry = this.#entry(request.origin, options)
    // undici queues without bound: nothing is given to it that finds no connection.
    if (entry.inFlight >= options.connectionsMax) {
      throw new CallError('overloaded', `Cannot call ${limits.peer}: all connections are in use`, {
        connectionsMax: options.connectionsMax,
      })
    }
    entry.inFlight++
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(limits, { resolve, reject, done: () => entry.inFlight-- })
      entry.pool.dispatch(
        {
          origin: request.origin,
          path: request.path,
          method: request.method,
          headers: request.headers,
          body: request.body ?? null,
        },
        exchange,
      )
      exchange.watchCancellation()
    })
  }

  /** Closes every pool that is not for one of `wanted`; calls in flight end first. */
  retain(wanted: readonly (readonly [origin: string, options: OriginOptions])[]): void {
    const keys = new Set(wanted.map(([origin, options]) => keyOf(origin, options)))
    for (const [key, { pool }] of this.#pools) {
      if (keys.has(key)) continue
      this.#pools.delete(key)
      void pool.close()
    }
  }

  /** Ends every connection at once. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(({ pool }) => pool.destroy()))
  }

  #entry(origin: string, options: OriginOptions) {
    const { connectMs, keepAliveMs, connectionsMax, headBytesMax, trust } = options
    const key = keyOf(origin, options)
    let entry = this.#pools.get(key)
    if (entry === undefined) {
      // The name is a variable's: undici passes the rest to node, but its types leave it out.
      const wire = wireOf(origin, trust)
      const connect = { timeout: connectMs, highWaterMark: bufferBytes, ...wire }
      const pool = new Pool(origin, {
        connections: connectionsMax,
        pipelining: 1,
        allowH2: false,
        connect,
        // Our own timers name their owner, and cost less than undici's per-chunk ones.
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: keepAliveMs,
        keepAliveMaxTimeout: keepAliveMs,
        keepAliveTimeoutThreshold: 1_000,
        maxHeaderSize: headBytesMax,
        maxResponseSize: -1,
        strictContentLength: true,
      })
      entry = { pool, inFlight: 0 }
      this.#pools.set(key, entry)
    }
    return entry
  }
}

function keyOf(origin: string, options: OriginOptions): string {
  const { connectMs, keepAliveMs, connectionsMax, headBytesMax, trust } = options
  const plain = `${origin} ${connectMs} ${keepAliveMs} ${connectionsMax} ${headBytesMax}`
  return trust === undefined ? plain : `${plain} ${trust.id}`
}
