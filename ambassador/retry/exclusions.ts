import type { Clock } from '#shared/call/clock.ts'

/** Credentials that one call passes over: for good, or until they are no longer throttled. */
export class Exclusions {
  readonly #clock: Clock
  /** Instants on the clock, by name. */
  readonly #untilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  forGood(name: string): void {
    this.#untilMs.set(name, Number.POSITIVE_INFINITY)
  }

  forMs(name: string, ms: number): void {
    this.#untilMs.set(name, this.#clock.now() + ms)
  }

  /** Who is out at present. */
  names(): ReadonlySet<string> {
    const now = this.#clock.now()
    for (const [name, untilMs] of this.#untilMs) if (untilMs <= now) this.#untilMs.delete(name)
    return new Set(this.#untilMs.keys())
  }

  /** Until the first of them is back, in ms; undefined where none will be. */
  soonestMs(): number | undefined {
    let soonest = Number.POSITIVE_INFINITY
    for (const untilMs of this.#untilMs.values()) soonest = Math.min(soonest, untilMs)
    if (soonest === Number.POSITIVE_INFINITY) return undefined
    return Math.max(0, soonest - this.#clock.now())
  }
}
