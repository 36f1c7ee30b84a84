import type { Outcome, PoolRun } from '#deploy/simulator/pool/arrival.ts'

/** What one run is judged by. Times in seconds. */
export interface Figures {
  readonly ttftMean: number
  readonly ttftP50: number
  readonly ttftP90: number
  readonly ttftP99: number
  /** Of the largest 1 % of the prompts: the median and the longest. */
  readonly largeP50: number
  readonly largeMax: number
  /** Time per output token, 90th percentile, milliseconds. */
  readonly tpotP90: number
  /** Part of the prompt tokens that were found in a cache. */
  readonly hitRate: number
  /** Mean absolute difference between tokens predicted and found, as part of the prompt. */
  readonly hitError: number
  readonly outputTokensPerSecond: number
  readonly preemptions: number
}

export function figuresOf({ outcomes, preemptions, endMs }: PoolRun): Figures {
  const ttfts = outcomes.map(ttftOf).toSorted((one, other) => one - other)
  const bySize = outcomes.toSorted((one, other) => other.arrival.tokens - one.arrival.tokens)
  const large = bySize
    .slice(0, Math.max(1, Math.round(outcomes.length / 100)))
    .map(ttftOf)
    .toSorted((one, other) => one - other)
  const tpots = outcomes
    .filter(({ arrival }) => arrival.outputTokens > 1)
    .map(({ arrival, firstTokenMs, endMs: end }) => (end - firstTokenMs) / (arrival.outputTokens - 1))
    .toSorted((one, other) => one - other)
  const tokens = sumOf(outcomes, ({ arrival }) => arrival.tokens)
  return {
    ttftMean: sumOf(ttfts, (value) => value) / ttfts.length,
    ttftP50: quantile(ttfts, 0.5),
    ttftP90: quantile(ttfts, 0.9),
    ttftP99: quantile(ttfts, 0.99),
    largeP50: quantile(large, 0.5),
    largeMax: quantile(large, 1),
    tpotP90: quantile(tpots, 0.9),
    hitRate: sumOf(outcomes, ({ cachedTokens }) => cachedTokens) / tokens,
    hitError:
      sumOf(outcomes, (outcome) => Math.abs(outcome.predictedTokens - outcome.cachedTokens)) / tokens,
    outputTokensPerSecond: sumOf(outcomes, ({ arrival }) => arrival.outputTokens) / (endMs / 1_000),
    preemptions,
  }
}

function ttftOf({ arrival, firstTokenMs }: Outcome): number {
  return (firstTokenMs - arrival.atMs) / 1_000
}

/** Of sorted values, by nearest rank. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = Math.max(0, Math.ceil(part * sorted.length) - 1)
  return sorted[at] ?? Number.NaN
}

function sumOf<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0)
}
