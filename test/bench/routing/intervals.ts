/** An estimate with its 95 % interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Student's t, 97.5 %, by degrees of freedom from 1. */
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
const studentBeyond = 1.96

/** Mean of one value or more; of a single one the interval is all numbers. */
export function meanEstimate(values: readonly number[]): Estimate {
  const count = values.length
  const value = values.reduce((total, one) => total + one, 0) / count
  if (count < 2) return { value, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const squares = values.reduce((total, one) => total + (one - value) ** 2, 0)
  const error = Math.sqrt(squares / (count - 1) / count)
  const reach = (student[count - 2] ?? studentBeyond) * error
  return { value, low: value - reach, high: value + reach }
}

/**
 * How many times as large the one is as the other, by pairs of one seed each: the geometric mean, and
 * Student's interval of the logarithms. Pairs with a figure that is not above 0 are left out; NaN
 * where none is left.
 */
export function ratioEstimate(above: readonly number[], below: readonly number[]): Estimate {
  const logarithms = above.flatMap((one, at) => {
    const logarithm = Math.log(one / (below[at] ?? Number.NaN))
    return Number.isFinite(logarithm) ? [logarithm] : []
  })
  const { value, low, high } = meanEstimate(logarithms)
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) }
}
