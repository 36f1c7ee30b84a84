/** Times of one kind, in the unit they were taken in. */
export interface Timed {
  readonly count: number
  readonly mean: number
  readonly p10: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** NaN where there are none. */
export function timesOf(times: readonly number[]): Timed {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  const sum = sorted.reduce((total, value) => total + value, 0)
  const count = sorted.length
  const upper = { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
  return { count, mean: sum / count, p10: at(0.1), ...upper }
}
