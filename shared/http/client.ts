import { Connections, type OriginOptions, type OutboundRequest } from './connections.ts'
import type { ExchangeLimits, InboundResponse } from './exchange.ts'

export type { OriginOptions, OutboundRequest } from './connections.ts'
export type { InboundResponse } from './exchange.ts'

/** Connections by origin and options. */
export class Origins {
  readonly #pools = new Map<string, Connections>()

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
    return this.connectionsTo(request.origin, options).exchange(request, limits)
  }

  /** The connections to one origin; whoever calls it often keeps them, and saves the look-up. */
  connectionsTo(origin: string, options: OriginOptions): Connections {
    const key = keyOf(origin, options)
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      pool = new Connections(origin, options)
      this.#pools.set(key, pool)
    }
    return pool
  }

  /** Closes every pool that is not for one of `wanted`; calls in flight end first. */
  retain(wanted: readonly (readonly [origin: string, options: OriginOptions])[]): void {
    const keys = new Set(wanted.map(([origin, options]) => keyOf(origin, options)))
    for (const [key, pool] of this.#pools) {
      if (keys.has(key)) continue
      this.#pools.delete(key)
      pool.close()
    }
  }

  /** Ends every connection at once. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }
}

function keyOf(origin: string, options: OriginOptions): string {
  const { connectMs, keepAliveMs, connectionsMax, headBytesMax, ageMsMax, trust, ip } = options
  const plain = `${origin} ${connectMs} ${keepAliveMs} ${connectionsMax} ${headBytesMax}`
  if (trust === undefined && ip === undefined && ageMsMax === undefined) return plain
  return `${plain} ${ageMsMax ?? ''} ${ip ?? ''} ${trust?.id ?? ''}`
}
