/** Each class of ratios is a tenth wider than the one before: 73 of them reach from 1/31 to 31. */
const growth = 1.1
const middle = 36
const classes = 2 * middle + 1
/** Ratios after which what was seen before counts half. */
const memory = 300
/** And the time after which it does, so that a pool that refuses everything comes to try again. */
const halfLifeMs = 60_000
/** Until enough is seen: right in the middle, and wrong by a factor of two either way in one of five. */
const prior = { weight: 10, spread: 0.5 } as const

/** The assumption, in the classes. */
const assumed = Float64Array.from({ length: classes }, (_, at) => {
  const distance = ((at - middle) * Math.log(growth)) / prior.spread
  return Math.exp(-0.5 * distance * distance)
})
const assumedTotal = assumed.reduce((sum, weight) => sum + weight, 0)

/** How many times as long as forecast things take: quantiles of what was seen lately. */
export class RatioQuantiles {
  readonly #counts = new Float64Array(classes)
  #total = 0
  #atMs = Number.NEGATIVE_INFINITY

  /** `ratio`: observed by forecast, above 0; beyond 31 either way it counts as so much. */
  add(ratio: number, nowMs: number): void {
    this.#fade(nowMs, 1 - 1 / memory)
    const at = Math.round(Math.log(ratio) / Math.log(growth)) + middle
    const place = Math.max(0, Math.min(classes - 1, at))
    this.#counts[place] = (this.#counts[place] ?? 0) + 1
    this.#total++
  }

  /** Below which the share `quantile` of the ratios lies, 0 to 1. */
  at(quantile: number, nowMs: number): number {
    this.#fade(nowMs, 1)
    const wanted = quantile * (this.#total + prior.weight)
    let sum = 0
    for (let place = 0; place < classes; place++) {
      const inPlace = (this.#counts[place] ?? 0) + priorIn(place)
      sum += inPlace
      // Where in the class: as if its ratios lay evenly.
      if (sum >= wanted) return growth ** (place - middle + 0.5 - (sum - wanted) / inPlace)
    }
    return growth ** middle
  }

  #fade(nowMs: number, keep: number): void {
    const passedMs = nowMs - this.#atMs
    this.#atMs = nowMs
    const factor = passedMs > 0 ? keep * 0.5 ** (passedMs / halfLifeMs) : keep
    if (factor === 1 || this.#total === 0) return
    this.#total *= factor
    for (let at = 0; at < classes; at++) this.#counts[at] = (this.#counts[at] ?? 0) * factor
  }
}

function priorIn(place: number): number {
  return ((assumed[place] ?? 0) * prior.weight) / assumedTotal
}
