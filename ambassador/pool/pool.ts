import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { VllmProvider } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'

/** One vLLM server as the pool sees it. */
export interface Replica {
  readonly origin: string
  inFlight: number
  failures: number
  isHealthy: boolean
}

interface PoolParts {
  readonly clock: Clock
  readonly origins: Origins
  /** Told when a replica leaves or comes back. */
  readonly onHealth: (replica: Replica) => void
}

/**
 * The replicas of one provider: asked for their health by turns, picked by calls in flight. A
 * replica counts as healthy until its probes say otherwise, so that a start needs no waiting.
 */
export class ReplicaPool {
  readonly #parts: PoolParts
  #replicas = new Map<string, Replica>()
  #options: VllmProvider['replicas'] | undefined
  #undoProbe: Undo | undefined
  #isClosed = false

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  get replicas(): readonly Replica[] {
    return [...this.#replicas.values()]
  }

  /** Takes over a configuration: replicas that stay keep what is known of them. */
  configure(options: VllmProvider['replicas']): void {
    this.#options = options
    const kept = new Map<string, Replica>()
    for (const origin of options.addresses) {
      const known = this.#replicas.get(origin)
      kept.set(origin, known ?? { origin, inFlight: 0, failures: 0, isHealthy: true })
    }
    this.#replicas = kept
    this.#undoProbe?.()
    this.#probeLater(0)
  }

  /** Asks nobody any more: the provider is no pool. */
  clear(): void {
    this.#options = undefined
    this.#replicas = new Map()
    this.#undoProbe?.()
  }

  /** The healthy replica with the fewest calls in flight; ties by chance. Throws `no-healthy-replica`. */
  pick(): Replica {
    const { clock } = this.#parts
    let best: Replica | undefined
    let ties = 0
    for (const replica of this.#replicas.values()) {
      if (!replica.isHealthy) continue
      if (best === undefined || replica.inFlight < best.inFlight) {
        best = replica
        ties = 1
      } else if (replica.inFlight === best.inFlight && clock.random() * ++ties < 1) best = replica
    }
    if (best === undefined) {
      throw new CallError('no-healthy-replica', 'Cannot serve: no replica of the pool is healthy', {
        replicas: this.#replicas.size,
      })
    }
    return best
  }

  close(): void {
    this.#isClosed = true
    this.#undoProbe?.()
  }

  #probeLater(delayMs: number): void {
    this.#undoProbe = this.#parts.clock.after(delayMs, () => void this.#probeAll())
  }

  async #probeAll(): Promise<void> {
    const options = this.#options
    if (options === undefined) return
    await Promise.all([...this.#replicas.values()].map((replica) => this.#probe(replica, options)))
    // A reload during the probes has set its own next turn.
    if (!this.#isClosed && this.#options === options) this.#probeLater(options.health.interval)
  }

  async #probe(replica: Replica, { health }: VllmProvider['replicas']): Promise<void> {
    const answered = await this.#answers(replica, health)
    replica.failures = answered ? 0 : replica.failures + 1
    const isHealthy = replica.failures < health.failures
    if (isHealthy === replica.isHealthy) return
    replica.isHealthy = isHealthy
    this.#parts.onHealth(replica)
  }

  async #answers(replica: Replica, health: VllmProvider['replicas']['health']): Promise<boolean> {
    const { clock, origins } = this.#parts
    try {
      const response = await origins.exchange(
        { origin: replica.origin, method: 'GET', path: health.path, headers: [], body: undefined },
        probeOptions(health),
        {
          headMs: health.timeout,
          idleMs: health.timeout,
          cancellation: new Cancellation(),
          clock,
          peer: replica.origin,
        },
      )
      await readBody(response.body, 64 * 1024)
      return response.status === 200
    } catch {
      // Whatever kept the probe from a 200 is the answer: not healthy.
      return false
    }
  }
}

/** How a probe connects; a replica that hangs holds two connections at most. */
export function probeOptions(health: VllmProvider['replicas']['health']): OriginOptions {
  return {
    connectMs: health.timeout,
    keepAliveMs: 4_000,
    connectionsMax: 2,
    headBytesMax: 16 * 1024,
  }
}
