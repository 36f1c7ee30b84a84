/**
 * What a prefill takes on one replica: `tokenMs` for each computed token, `pairMs` for each token it
 * attends to (the quadratic part: a prompt of n tokens after s cached ones attends to
 * ((s + n)² − s²) / 2 pairs; the factor 2 is in `pairMs`).
 */
export interface PrefillRates {
  readonly tokenMs: number
  readonly pairMs: number
}

/** Where nothing is known yet: an 8-billion-parameter model on one H100, to an order of magnitude. */
export const assumedRates: PrefillRates = { tokenMs: 0.015, pairMs: 4e-7 }

/** Milliseconds to compute `tokens` tokens after `cached` ones. */
export function prefillMs(rates: PrefillRates, tokens: number, cached: number): number {
  const end = cached + tokens
  return rates.tokenMs * tokens + rates.pairMs * (end * end - cached * cached)
}
