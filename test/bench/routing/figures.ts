import type { Outcome, PoolRun } from '#deploy/simulator/pool/arrival.ts'

/** What one run is judged by. Times to the first token in seconds. */
export interface Figures {
  readonly ttftMean: number
  readonly ttftP50: number
  readonly ttftP90: number
  readonly ttftP99: number
  /** Of the largest 1 % of the prompts: the median and the longest. Of equal prompts these are all. */
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
  /** Calls sent again, or broken in their answer, because a replica was lost. */
  readonly resent: number
  readonly broken: number
}

export const figureNames = [
  'ttftMean',
  'ttftP50',
  'ttftP90',
  'ttftP99',
  'largeP50',
  'largeMax',
  'tpotP90',
  'hitRate',
  'hitError',
  'outputTokensPerSecond',
  'preemptions',
  'resent',
  'broken',
] as const satisfies readonly (keyof Figures)[]

export type FigureName = (typeof figureNames)[number]

export function figuresOf({ outcomes, preemptions, endMs }: PoolRun): Figures {
  const ttfts = ascending(outcomes.map(ttftOf))
  const large = ascending(largest(outcomes).map(ttftOf))
  const tpots = ascending(outcomes.filter(({ arrival }) => arrival.outputTokens > 1).map(tokenMsOf))
  const tokens = sumOf(outcomes, ({ arrival }) => arrival.tokens)
  const off = ({ predictedTokens, cachedTokens }: Outcome) =>
    Math.abs(predictedTokens - cachedTokens)
  const answered = outcomes.filter(({ isBroken }) => !isBroken)
  return {
    ttftMean: meanOf(ttfts),
    ttftP50: quantile(ttfts, 0.5),
    ttftP90: quantile(ttfts, 0.9),
    ttftP99: quantile(ttfts, 0.99),
    largeP50: quantile(large, 0.5),
    largeMax: quantile(large, 1),
    tpotP90: quantile(tpots, 0.9),
    hitRate: sumOf(outcomes, ({ cachedTokens }) => cachedTokens) / tokens,
    hitError: sumOf(outcomes, off) / tokens,
    outputTokensPerSecond: sumOf(answered, ({ arrival }) => arrival.outputTokens) / (endMs / 1_000),
    preemptions,
    resent: sumOf(outcomes, ({ resent }) => resent),
    broken: outcomes.length - answered.length,
  }
}

/** What some of the calls of a run waited. */
export interface Waits {
  readonly calls: number
  readonly ttftMean: number
  readonly ttftP90: number
}

/** Of the calls of some tenants. */
export function waitsOf({ outcomes }: PoolRun, isOne: (tenant: string) => boolean): Waits {
  const ttfts = ascending(outcomes.filter(({ arrival }) => isOne(arrival.tenant)).map(ttftOf))
  return { calls: ttfts.length, ttftMean: meanOf(ttfts), ttftP90: quantile(ttfts, 0.9) }
}

/** Prompts no smaller than the one with 1 % of all before it. */
function largest(outcomes: readonly Outcome[]): readonly Outcome[] {
  const sizes = ascending(outcomes.map(({ arrival }) => arrival.tokens))
  const bound = sizes[sizes.length - Math.max(1, Math.round(sizes.length / 100))] ?? 0
  return outcomes.filter(({ arrival }) => arrival.tokens >= bound)
}

/** Seconds. */
function ttftOf({ arrivedMs, firstTokenMs }: Outcome): number {
  return (firstTokenMs - arrivedMs) / 1_000
}

function tokenMsOf({ arrival, firstTokenMs, endMs }: Outcome): number {
  return (endMs - firstTokenMs) / (arrival.outputTokens - 1)
}

/** Of sorted values, by nearest rank. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = Math.max(0, Math.ceil(part * sorted.length) - 1)
  return sorted[at] ?? Number.NaN
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((one, other) => one - other)
}

function meanOf(values: readonly number[]): number {
  return sumOf(values, (value) => value) / values.length
}

function sumOf<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0)
}
