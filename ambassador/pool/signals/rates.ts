import type { Reading } from './read-gauges.ts'
import type { Counters, Rates } from './replica-signals.ts'

/**
 * Between two readings of a process’s start lies no other number; a second is more than rounding.
 */
const startJitterSeconds = 1

/**
 * Whether the server was started anew between two pages: a counter went back, or its process is
 * another. One that had counted nothing before and after cannot be told, and had nothing cached.
 */
export function hasRestarted(earlier: Reading, later: Reading): boolean {
  const { startSeconds: before } = earlier
  const { startSeconds: after } = later
  if (before !== undefined && after !== undefined) {
    if (Math.abs(after - before) > startJitterSeconds) return true
  }
  for (const [series, value] of later.counters) {
    if (value < (earlier.counters.get(series) ?? 0)) return true
  }
  return false
}

/** What happened between two pages of one process; undefined where they are of one instant. */
export function ratesOf(earlier: Reading, later: Reading): Rates | undefined {
  const spanMs = later.signals.atMs - earlier.signals.atMs
  if (!(spanMs > 0)) return undefined
  const grown = (name: keyof Counters) =>
    difference(earlier.signals.counters[name], later.signals.counters[name])
  const perSecond = (count: number | undefined) =>
    count === undefined ? undefined : (count * 1_000) / spanMs
  // By source is the safer one: vLLM has counted queries again when it scheduled a call again.
  const cached = grown('cachedTokens')
  const bySource = added(added(grown('computedTokens'), cached), grown('transferredTokens'))
  const prompt = bySource ?? grown('queriedTokens')
  const hit = bySource === undefined ? grown('hitTokens') : cached
  return {
    spanMs,
    hitRate: prompt === undefined || prompt === 0 ? undefined : Math.min(1, (hit ?? 0) / prompt),
    promptTokensPerSecond: perSecond(prompt),
    generatedTokensPerSecond: perSecond(grown('generatedTokens')),
    preemptionsPerSecond: perSecond(grown('preemptions')),
    rejectionsPerSecond: perSecond(grown('rejections')),
  }
}

/** A counter that was not there before has counted from nothing. */
function difference(before: number | undefined, after: number | undefined): number | undefined {
  return after === undefined ? undefined : Math.max(0, after - (before ?? 0))
}

function added(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0)
}
