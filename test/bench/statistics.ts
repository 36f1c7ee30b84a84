/** A figure of several repeats. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Of one value or more. */
export function figure(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0
  return { median: (lower + upper) / 2, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 }
}

/** `12.3 (11.9–14)`: the median and the spread; the digits follow the median's size. */
export function show({ median, min, max }: Figure): string {
  const digits = Math.abs(median) >= 100 ? 0 : Math.abs(median) >= 10 ? 1 : 2
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits))
  return min === max ? `${middle}` : `${middle} (${low}–${high})`
}
