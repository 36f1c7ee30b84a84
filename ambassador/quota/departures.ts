import type { RateLimited } from './rate-limited.ts'
import type { Waiter } from './waiter.ts'

/**
 * Calls that leave the line in one go: each is a question that is sent or an error that is written, and
 * thousands of them at once would hold up everything else.
 */
const leavingMax = 32

interface Refused {
  readonly waiter: Waiter
  readonly error: RateLimited
}

/** Who leaves the line, with a permit or without, so many in one turn of the event loop. */
export class Departures {
  /** Out of the line, and about to be told why. */
  readonly #refused: Refused[] = []
  #left = 0

  get isFull(): boolean {
    return this.#left >= leavingMax
  }

  /** Whether somebody is still to be told. */
  get isOwing(): boolean {
    return this.#refused.length > 0
  }

  /** Another turn of the event loop. */
  begin(): void {
    this.#left = 0
  }

  granted(): void {
    this.#left++
  }

  refuse(waiter: Waiter, error: RateLimited): void {
    this.#refused.push({ waiter, error })
  }

  /** Tells as many as may leave. */
  tell(): void {
    const told = this.#refused.splice(0, Math.max(0, leavingMax - this.#left))
    this.#left += told.length
    for (const { waiter, error } of told) waiter.refuse(error)
  }

  /** Tells all at once: the process ends. */
  tellAll(): void {
    for (const { waiter, error } of this.#refused.splice(0)) waiter.refuse(error)
  }
}
