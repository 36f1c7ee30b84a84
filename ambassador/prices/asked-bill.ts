import { shortValueAt, type ValueRange } from '#shared/dialects/top-level.ts'

/** What a question says of its own bill. */
export interface AskedBill {
  /** Tier, speed and place that it asks for, in lower case; those it leaves out are standard. */
  readonly modifiers: readonly string[]
  /** For how long it asks the provider to keep its input, at most. */
  readonly cacheLifetime: 'short' | 'hour'
}

/**
 * Members in which a question asks for what has its own price: OpenAI's tier, Anthropic's tier, speed
 * and place.
 */
export const billKeys: readonly string[] = ['service_tier', 'speed', 'inference_geo']

/** Anthropic's word for "no tier but the standard one". */
const standardOnly = 'standard_only'

/**
 * Reads what the question asks for. What an account's own settings make of a member that is left out,
 * or of `auto`, is not known here. `cache_control` stands deep inside a question: the longer lifetime
 * is taken where `"ttl"` and `"1h"` occur anywhere as texts of their own, which a prompt that quotes
 * them does not do. Linear, at the speed of `indexOf`.
 */
export function askedBill(body: Buffer, values: ReadonlyMap<string, ValueRange>): AskedBill {
  const words = billKeys.map((key) => shortValueAt(body, values.get(key)))
  const modifiers = words.flatMap((word) =>
    typeof word === 'string' && word !== standardOnly ? [word.toLowerCase()] : [],
  )
  const isLong = body.includes('"ttl"') && body.includes('"1h"')
  return { modifiers, cacheLifetime: isLong ? 'hour' : 'short' }
}
