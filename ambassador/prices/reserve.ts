import { fractionOf } from './cost.ts'
import { divideUp, type Fraction, isGreater, type PicoUsd, product } from './money.ts'
import type { Price, Rates } from './price.ts'

/** What is known of a call before it is made. */
export interface Expected {
  readonly price: Price
  /** At most so many, cached ones included: an estimate is rounded up by the caller. */
  readonly inputTokens: number
  /** At most so many, reasoning included. */
  readonly outputMax: number
  /** Tier, speed and place that the question asks for; unpriced ones count as the dearest. */
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
  const { times, over } = fractionOf(price, modifiers) ?? dearest(price)
  return divideUp((tokens + price.request) * times, over)
}

function reachable({ base, steps }: Price, inputTokens: number): Rates[] {
  return [base, ...steps.filter(({ over }) => inputTokens > over).map(({ rates }) => rates)]
}

function dearestInput(rates: Rates, lifetime: 'short' | 'hour'): PicoUsd {
  const short = greater(greater(rates.input, rates.cached), rates.cacheWrite)
  return lifetime === 'hour' ? greater(short, rates.cacheWrite1h) : short
}

function dearest({ modifiers, uplift }: Price): Fraction {
  let most: Fraction = { times: 1n, over: 1n }
  for (const fraction of modifiers.values()) if (isGreater(fraction, most)) most = fraction
  return product(most, uplift)
}

function greater(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
