/** Each wait changes what is believed by this part of its difference, short ones by less. */
const gain = 1 / 32
/** An error that is believed before any was seen: share of the forecast. */
const firstSpread = 0.1
const ratioBounds = { least: 0.25, most: 4 }
/** Mean deviations between a forecast and a promise: one wait in twenty is off by more. */
const promised = 2
/** The same for what is hopeless: who waits already is sent away for more than a doubt. */
const doubted = 4
/** Shorter forecasts say little: a timer's milliseconds would be half of it. */
const tellingMs = 20

/** One wait that is over, or was at least so long. Milliseconds. */
export interface Waited {
  readonly forecastMs: number
  readonly waitedMs: number
  readonly patienceMs: number
}

/**
 * How waits turn out against what was forecast: by how much on the average, and how far from that
 * (mean and deviation as in RFC 6298, there of round trips). O(1).
 */
export class Foresight {
  #ratio = 1
  #spread = firstSpread

  learn({ forecastMs, waitedMs, patienceMs }: Waited): void {
    if (forecastMs < tellingMs || forecastMs === Infinity) return
    const { least, most } = ratioBounds
    const ratio = Math.min(Math.max(waitedMs / forecastMs, least), most)
    // What matters is how far the long ones are off: about others nothing is decided.
    const weight = gain * Math.min(1, (forecastMs * this.#ratio) / patienceMs) ** 2
    this.#spread += weight * (Math.abs(ratio - this.#ratio) - this.#spread)
    this.#ratio += weight * (ratio - this.#ratio)
  }

  /** What a forecast comes to, as far as is known. */
  expectedMs(forecastMs: number): number {
    return forecastMs * this.#ratio
  }

  /** Few calls of this forecast wait for longer. */
  mostMs(forecastMs: number): number {
    return forecastMs * (this.#ratio + promised * this.#spread)
  }

  /** Hardly one gets by with less. */
  leastMs(forecastMs: number): number {
    return forecastMs * Math.max(0, this.#ratio - doubted * this.#spread)
  }
}
