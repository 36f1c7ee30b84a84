/** After which what waited before counts for a third. */
const memoryMs = 10_000

export interface SpreadPrices {
  /** Where nobody waits. */
  readonly least: number
  /** Where a call waits for each replica, or more. */
  readonly most: number
}

/**
 * How many times a call's own prefill counts once more, for the cache and the time that it takes from
 * others. While the pool has room a copy of a prefix costs next to nothing, and soon is a second home;
 * where calls wait, every block and every millisecond is somebody's. By what waits now and has waited
 * lately: prices that fell with each gap would scatter the prefixes in it.
 */
export class SpreadPrice {
  readonly #prices: SpreadPrices
  #value: number
  #waited = 0
  #atMs = 0

  constructor(prices: SpreadPrices) {
    this.#prices = prices
    this.#value = prices.least
  }

  get value(): number {
    return this.#value
  }

  /** `waiting`: calls that wait, for each replica. */
  observe(waiting: number, nowMs: number): void {
    const kept = Math.exp((this.#atMs - nowMs) / memoryMs)
    this.#waited = this.#waited * kept + waiting * (1 - kept)
    this.#atMs = nowMs
    const { least, most } = this.#prices
    this.#value = least + (most - least) * Math.min(1, Math.max(waiting, this.#waited))
  }
}
