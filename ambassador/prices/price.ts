import type { Fraction, PicoUsd } from './money.ts'

/** Prices of one token, each filled in: what a provider does not price apart costs as its whole. */
export interface Rates {
  readonly input: PicoUsd
  /** Input read from the provider's cache. */
  readonly cached: PicoUsd
  /** Input written to the provider's cache for five minutes, or for as long as it likes. */
  readonly cacheWrite: PicoUsd
  /** Input written to the provider's cache for an hour. */
  readonly cacheWrite1h: PicoUsd
  readonly output: PicoUsd
  /** The part of the output that is reasoning. */
  readonly reasoning: PicoUsd
}

/** Rates of a whole call whose input, cached included, is longer than `over` tokens. */
export interface Step {
  readonly over: number
  readonly rates: Rates
}

/** Where a price comes from. */
export type Basis = 'published' | 'override' | 'flat'

/** What one model costs at one provider at one time. */
export interface Price {
  readonly basis: Basis
  /** Day the published prices were taken, `2026-09-23`; undefined where the configuration says. */
  readonly pricedAt: string | undefined
  readonly base: Rates
  /** By `over`, ascending; most models have none. */
  readonly steps: readonly Step[]
  /** For each call, whatever its length. */
  readonly request: PicoUsd
  /** Factors by what an answer says of its call: `flex`, `batch`, `priority`, `fast`, `us`. */
  readonly modifiers: ReadonlyMap<string, Fraction>
  /** For where the provider's address says that it computes. */
  readonly uplift: Fraction
  /** False where tokens that our usage does not tell apart, such as audio's, have other prices. */
  readonly isWhole: boolean
}

/** Some of the rates, and where the others come from; see {@link ratesOf}. */
export type PartialRates = { readonly [Name in keyof Rates]?: PicoUsd | undefined }

/**
 * Fills in what is not priced apart: cached input costs as input, an hour's cache write as a
 * shorter one, reasoning as output. Without any price for output, it is an embedding and has none.
 */
export function ratesOf(given: PartialRates): Rates {
  const { input = 0n, output = 0n } = given
  const { cached = input, cacheWrite = input, reasoning = output } = given
  const { cacheWrite1h = cacheWrite } = given
  return { input, cached, cacheWrite, cacheWrite1h, output, reasoning }
}

/** The rates for a call of `inputTokens`, cached ones included. */
export function ratesFor({ base, steps }: Price, inputTokens: number): Rates {
  return steps.findLast(({ over }) => inputTokens > over)?.rates ?? base
}
