import type { FlatPrice, PriceEntry } from '#shared/config/price-schema.ts'
import { type Fraction, factor, type PicoUsd, perToken, usd } from './money.ts'
import { type PartialRates, type Rates, ratesOf, type Step } from './price.ts'
import type { PriceList } from './price-list.ts'

/** A price that the configuration gives, and the published model it builds on. */
export interface Override {
  readonly sameAs: string | undefined
  /** Factors by tier, before the published ones. */
  readonly factors: ReadonlyMap<string, Fraction>
  /** `published` with the entry's own amounts over its; undefined where neither has a price. */
  over(published: PriceList | undefined): PriceList | undefined
}

type Entry = FlatPrice & { readonly sameAs?: PriceEntry['sameAs'] }

/** Reads one entry of `prices`, or the price of `unknownPrice.flat`. */
export function overrideOf(entry: Entry): Override {
  const given = partialRates(entry)
  const request = entry.request === undefined ? undefined : usd(entry.request)
  const steps = entry.steps
    .map((step) => ({ over: step.over, given: { ...given, ...partialRates(step) } }))
    .toSorted((one, other) => one.over - other.over)
  const factors = Object.entries(entry.factors).map(([name, text]) => [name, factor(text)] as const)
  return {
    sameAs: entry.sameAs,
    factors: new Map(factors),
    over: (published) => {
      if (published === undefined && given.input === undefined && request === undefined) {
        return undefined
      }
      return {
        base: filled(published?.base, given),
        steps: mergedSteps({ published, given, steps }),
        request: request ?? published?.request ?? 0n,
        isWhole: published?.isWhole ?? true,
      }
    },
  }
}

interface GivenStep {
  readonly over: number
  readonly given: PartialRates
}

interface Merge {
  readonly published: PriceList | undefined
  readonly given: PartialRates
  readonly steps: readonly GivenStep[]
}

/** The entry's own steps, else the published ones under the entry's own rates. */
function mergedSteps({ published, given, steps }: Merge): Step[] {
  if (steps.length > 0) {
    return steps.map((step) => ({
      over: step.over,
      rates: filled(published?.base, step.given),
    }))
  }
  const kept = published?.steps ?? []
  return kept.map(({ over, rates }) => ({ over, rates: filled(rates, given) }))
}

/** A price given for a whole also holds for its parts, unless they are published apart. */
function filled(published: Rates | undefined, given: PartialRates): Rates {
  return published === undefined ? ratesOf(given) : ratesOf({ ...published, ...given })
}

const names = ['input', 'cached', 'cacheWrite', 'cacheWrite1h', 'output', 'reasoning'] as const

/** Without the names that the entry leaves out, so that it can be laid over another. */
function partialRates(
  entry: { readonly [Name in keyof Rates]?: string | undefined },
): PartialRates {
  const rates: { -readonly [Name in keyof Rates]?: PicoUsd } = {}
  for (const name of names) {
    const text = entry[name]
    if (text !== undefined) rates[name] = perToken(text)
  }
  return rates
}
