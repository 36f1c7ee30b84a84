import type { Clock } from '#shared/call/clock.ts'

/** Questions that one replica has to answer at a time: each holds a core of its API server. */
const asksMax = 2
/** Failures in a row after which the replicas are left alone for a while. */
const failuresMax = 3
const firstRestMs = 2_000
const lastRestMs = 60_000

/**
 * Whom to ask next: the replica with the fewest questions, none with two, and nobody for a while that
 * grows after failures in a row.
 */
export class AskTurns {
  readonly #clock: Clock
  readonly #replicas: () => readonly string[]
  readonly #asks = new Map<string, number>()
  #failures = 0
  #restMs = firstRestMs
  #restUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, replicas: () => readonly string[]) {
    this.#clock = clock
    this.#replicas = replicas
  }

  /** Whether the replicas are left alone. */
  get isResting(): boolean {
    return this.#clock.now() < this.#restUntilMs
  }

  /** Asks one replica, and remembers how it went. Undefined where nobody may be asked. */
  ask<Answer>(question: (origin: string) => Promise<Answer>): Promise<Answer> | undefined {
    const origin = this.isResting ? undefined : this.#next()
    return origin === undefined ? undefined : this.#run(origin, question)
  }

  #next(): string | undefined {
    let best: string | undefined
    let fewest = asksMax
    for (const origin of this.#replicas()) {
      const asks = this.#asks.get(origin) ?? 0
      if (asks >= fewest) continue
      fewest = asks
      best = origin
    }
    return best
  }

  async #run<Answer>(
    origin: string,
    question: (origin: string) => Promise<Answer>,
  ): Promise<Answer> {
    this.#asks.set(origin, (this.#asks.get(origin) ?? 0) + 1)
    try {
      const answer = await question(origin)
      this.#failures = 0
      this.#restMs = firstRestMs
      return answer
    } catch (error) {
      this.#failed()
      throw error
    } finally {
      const left = (this.#asks.get(origin) ?? 1) - 1
      // No entry of a replica that has left stays.
      if (left === 0) this.#asks.delete(origin)
      else this.#asks.set(origin, left)
    }
  }

  #failed(): void {
    if (++this.#failures < failuresMax) return
    this.#restUntilMs = this.#clock.now() + this.#restMs
    this.#restMs = Math.min(this.#restMs * 2, lastRestMs)
    this.#failures = failuresMax - 1
  }
}
