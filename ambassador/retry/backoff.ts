import type { Rule } from './outcome.ts'

/** Times in ms. */
export interface BackoffLimits {
  /** The first wait is drawn below this. */
  readonly base: number
  /** No draw is above this; a provider's own hint may be. */
  readonly max: number
}

export interface BackoffWant {
  readonly again: Rule['again']
  /** Failed attempts of this call so far; from 1. */
  readonly failures: number
  /** The provider asks to wait so long, in ms. */
  readonly hintMs: number | undefined
  /** Uniform in [0, 1). */
  readonly random: number
  /** Longest wait that leaves time for an attempt, in ms: patience and deadline. */
  readonly leftMs: number
}

/** A provider without room needs longer than one that failed once (AWS: 20 times, for throttling). */
const longFactor = 4

/**
 * How long to wait before the next attempt, in ms; undefined where there must be none, because it
 * would begin after patience or deadline. Full jitter (AWS Architecture Blog, "Exponential Backoff
 * And Jitter"): uniform below a limit that doubles. Above a hint, not instead of it: earlier fails,
 * and all who were told the same second would come at once.
 */
export function backoff(want: BackoffWant, limits: BackoffLimits): number | undefined {
  const { again, failures, random, leftMs } = want
  if (again === 'never') return undefined
  const hintMs = want.hintMs ?? 0
  const waitMs = hintMs + random * highest(again, failures, limits)
  return waitMs < leftMs ? waitMs : undefined
}

function highest(again: Rule['again'], failures: number, { base, max }: BackoffLimits): number {
  if (again === 'elsewhere') return 0
  // Nothing was sent: the next connection may be to another address. Then it is the provider.
  if (again === 'at-once' && failures <= 1) return 0
  // A shift of numbers beyond 2 ** 30 would overflow; long before, `max` holds.
  const doubled = base * 2 ** Math.min(Math.max(failures - 1, 0), 30)
  return Math.min(again === 'long-backoff' ? doubled * longFactor : doubled, max)
}
