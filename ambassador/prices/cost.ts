import type { Usage } from '#shared/dialects/usage.ts'
import { divideHalfEven, type Fraction, one, type PicoUsd, product } from './money.ts'
import { type Basis, type Price, type Rates, ratesFor } from './price.ts'

/** What a call is billed by. */
export interface Billed {
  readonly usage: Usage
  /** Undefined where no price is known. */
  readonly price: Price | undefined
  /** Tier, speed and place as the answer names them; those it leaves out are standard. */
  readonly modifiers?: readonly string[]
  /** The provider's own figure: where there is one, it is the cost. */
  readonly reported?: PicoUsd | undefined
}

/** Why there is no cost: no price for the model, or none for the tier it was served in. */
export type UnknownReason = 'price-unknown' | 'modifier-unknown'

/** What a call cost. An unknown cost is never zero. */
export type Cost =
  | {
      readonly kind: 'known'
      readonly amount: PicoUsd
      /** False where the tokens are an estimate, or the price a stand-in or not all of it. */
      readonly isExact: boolean
      readonly basis: Basis | 'reported'
    }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason }

/**
 * The cost of one call. Rounded once, at the end, half to even at 10^-12 USD, and only where a
 * factor makes it necessary.
 */
export function costOf({ usage, price, modifiers = [], reported }: Billed): Cost {
  if (reported !== undefined) {
    return { kind: 'known', amount: reported, isExact: true, basis: 'reported' }
  }
  if (price === undefined) return { kind: 'unknown', reason: 'price-unknown' }
  const fraction = fractionOf(price, modifiers)
  if (fraction === undefined) return { kind: 'unknown', reason: 'modifier-unknown' }
  const listed = tokenCost(usage, ratesFor(price, usage.input)) + price.request
  const amount = divideHalfEven(listed * fraction.times, fraction.over)
  const isExact = usage.isExact && price.isWhole && price.basis !== 'flat'
  return { kind: 'known', amount, isExact, basis: price.basis }
}

/** All factors of a call in one; undefined where one of them has no published price. */
export function fractionOf(price: Price, modifiers: readonly string[]): Fraction | undefined {
  let fraction = price.uplift
  for (const modifier of modifiers) {
    const next = price.modifiers.get(modifier) ?? (plain.has(modifier) ? one : undefined)
    if (next === undefined) return undefined
    fraction = product(fraction, next)
  }
  return fraction
}

/**
 * Words for "as listed": OpenAI's `default`, Anthropic's `standard` tier, `global` place and
 * `not_available` for models that cannot choose one, Groq's `on_demand`.
 */
const plain: ReadonlySet<string> = new Set([
  'auto',
  'default',
  'standard',
  'on_demand',
  'global',
  'not_available',
])

/** Parts are taken out of their whole, so that no token is paid twice. Estimates are rounded up. */
function tokenCost(usage: Usage, rates: Rates): PicoUsd {
  const { input, cached, cacheWrite, output, reasoning } = usage
  const hour = Math.min(usage.cacheWrite1h, cacheWrite)
  // A provider whose parts exceed their whole is billed for the parts.
  const uncached = Math.max(0, input - cached - cacheWrite)
  const plainOutput = Math.max(0, output - reasoning)
  return (
    tokens(uncached) * rates.input +
    tokens(cached) * rates.cached +
    tokens(cacheWrite - hour) * rates.cacheWrite +
    tokens(hour) * rates.cacheWrite1h +
    tokens(plainOutput) * rates.output +
    tokens(reasoning) * rates.reasoning
  )
}

function tokens(count: number): bigint {
  return BigInt(Math.ceil(count))
}
