import { fractionOf } from './cost.ts'
import { divideUp, type Fraction, isGreater, one, type PicoUsd, product } from './money.ts'
import type { Price, Rates } from './price.ts'

/** What is known of a call before it is made. */
export interface Expected {
  readonly price: Price
  /** At most so many, cached ones included: an estimate is rounded up by the caller. */
  readonly inputTokens: number
  /** At most so many, reasoning included. */
  readonly outputMax: number
  /**
   * Tier, speed and place that the question asks for; unpriced ones count as the dearest. None makes
   * it cheaper: what asks for a cheap tier may be served in the standard one.
   */
  readonly modifiers?: readonly string[]
  /** How long the question asks the provider to keep its input. */
  readonly cacheLifetime?: 'short' | 'hour'
}

/**
 * The most that a call can cost: nothing cached, all of it written to the cache, all of the output
 * reasoning, whichever is dearest, in the dearest step its input may reach. Rounded up. Does not
 * hold where the provider bills besides tokens and calls (searches, audio by the hour).
 */
export function reserveCost(expected: Expected): PicoUsd {
  const { price, inputTokens, outputMax, modifiers = [], cacheLifetime = 'short' } = expected
  let tokens = 0n
  for (const rates of reachable(price, inputTokens)) {
    const input = dearestInput(rates, cacheLifetime)
    const output = greater(rates.output, rates.reasoning)
    tokens = greater(tokens, BigInt(inputTokens) * input + BigInt(outputMax) * output)
  }
  const { times, over } = dearestFraction(price, modifiers)
  return divideUp((tokens + price.request) * times, over)
}

function reachable({ base, steps }: Price, inputTokens: number): Rates[] {
  return [base, ...steps.filter(({ over }) => inputTokens > over).map(({ rates }) => rates)]
}

function dearestInput(rates: Rates, lifetime: 'short' | 'hour'): PicoUsd {
  const short = greater(greater(rates.input, rates.cached), rates.cacheWrite)
  return lifetime === 'hour' ? greater(short, rates.cacheWrite1h) : short
}

/** Each word by itself: the provider may grant some and not the others. */
function dearestFraction(price: Price, modifiers: readonly string[]): Fraction {
  const listed = { ...price, uplift: one }
  return modifiers.reduce<Fraction>((most, word) => {
    const fraction = fractionOf(listed, [word]) ?? dearest(price)
    return isGreater(fraction, one) ? product(most, fraction) : most
  }, price.uplift)
}

function dearest({ modifiers }: Price): Fraction {
  let most = one
  for (const fraction of modifiers.values()) if (isGreater(fraction, most)) most = fraction
  return most
}

function greater(left: bigint, right: bigint): bigint {
  return left > right ? left : right
}
