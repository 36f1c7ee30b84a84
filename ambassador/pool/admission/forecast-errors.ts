import type { Work } from '../dispatch/work.ts'
import { RatioQuantiles } from './ratio-quantiles.ts'

/** Forecasts that err alike: of calls that wait or not, of one size. */
interface Kind {
  readonly isHeld: boolean
  readonly work: Work
}

/** What is thought of a forecast once it is known how forecasts err. */
export interface Spread {
  /** As many times the forecast as one call of ten stays below. */
  readonly low: number
  readonly middle: number
  /** One of ten takes more. */
  readonly high: number
}

/** Sizes of calls that wait, by their own prefill: up to 120 ms, then twice as much each. */
const sizes = 5
const smallestMs = 60

/**
 * How far the forecasts of a pool are off: of calls that are sent at once, and of those that wait, by
 * their size, since small ones find gaps that large ones do not.
 */
export class ForecastErrors {
  readonly #atOnce = new RatioQuantiles()
  readonly #held = Array.from({ length: sizes }, () => new RatioQuantiles())

  /** A first token came: `ratio` is the time it took by the forecast. */
  record(kind: Kind, ratio: number, nowMs: number): void {
    this.#of(kind).add(ratio, nowMs)
  }

  spread(kind: Kind, nowMs: number): Spread {
    const ratios = this.#of(kind)
    return {
      low: ratios.at(0.1, nowMs),
      middle: ratios.at(0.5, nowMs),
      high: ratios.at(0.9, nowMs),
    }
  }

  #of({ isHeld, work }: Kind): RatioQuantiles {
    if (!isHeld) return this.#atOnce
    const size = Math.floor(Math.log2(Math.max(1, work.plainMs / smallestMs)))
    return this.#held[Math.min(sizes - 1, size)] ?? this.#atOnce
  }
}
