/**
 * Money as a whole number of 10^-12 USD. A price of USD per million tokens with six decimals, the
 * finest any provider publishes, is a whole number of these for each token, so sums are exact.
 */
export type PicoUsd = bigint

/** An exact factor, such as 11/10: decimals alone cannot say GPT-4o mini's 5/3. */
export interface Fraction {
  readonly times: bigint
  readonly over: bigint
}

export const one: Fraction = { times: 1n, over: 1n }

/** Both factors in a row. */
export function product(one: Fraction, other: Fraction): Fraction {
  return { times: one.times * other.times, over: one.over * other.over }
}

/** Whether a factor makes something dearer than another does. */
export function isGreater(one: Fraction, other: Fraction): boolean {
  return one.times * other.over > other.times * one.over
}

/** Quotient of two whole numbers from 0 up, rounded half to even: errors do not add up one way. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  const twice = (dividend % divisor) * 2n
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n)
  return isUp ? quotient + 1n : quotient
}

/** Quotient of two whole numbers from 0 up, rounded up: for what is set aside, not for bills. */
export function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}

const decimalPattern = /^(\d{1,20})(?:\.(\d{1,40}))?(?:e([+-]?\d{1,3}))?$/

/**
 * `text` times 10^`places` as a whole number; digits beyond `places` are rounded half to even.
 * Reads plain decimals and what `String` makes of a number, such as `5e-8`.
 *
 * @throws RangeError for everything else, among it negative numbers.
 */
export function parseDecimal(text: string, places: number): bigint {
  const [, whole, fraction = '', exponent = '0'] = decimalPattern.exec(text) ?? []
  if (whole === undefined) throw new RangeError(`Cannot read a decimal: "${text.slice(0, 40)}"`)
  const shift = places + Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  return shift >= 0 ? digits * 10n ** BigInt(shift) : divideHalfEven(digits, 10n ** BigInt(-shift))
}

/** The price of one token where a million cost `text` USD. */
export function perToken(text: string): PicoUsd {
  return parseDecimal(text, 6)
}

/** `text` USD. */
export function usd(text: string): PicoUsd {
  return parseDecimal(text, 12)
}

/** A factor as a decimal text, such as `0.5`; at most six decimals count. */
export function factor(text: string): Fraction {
  return { times: parseDecimal(text, 6), over: 1_000_000n }
}

/** USD as plain decimal text, exact and without an exponent: `0.525`, `12`, `0.00001585`. */
export function formatUsd(amount: PicoUsd): string {
  // A correction may be one.
  if (amount < 0n) return `-${formatUsd(-amount)}`
  const digits = amount.toString().padStart(13, '0')
  const fraction = digits.slice(-12).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -12) : `${digits.slice(0, -12)}.${fraction}`
}
