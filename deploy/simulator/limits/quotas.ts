import { Bucket, type BucketSize } from './bucket.ts'
import type { Limits } from './meter.ts'
import { goDuration } from './wording.ts'

/** The four quotas that OpenAI and Groq have. */
export type QuotaName = 'requestsPerMinute' | 'requestsPerDay' | 'tokensPerMinute' | 'tokensPerDay'

/** What one request asks of the quotas. */
export interface Needs {
  readonly requests: number
  readonly tokens: number
}

/** The quota that refuses a request; `waitMs` is infinite where it is too large for ever. */
export interface Shortage {
  readonly name: QuotaName
  readonly counts: keyof Needs
  readonly limit: number
  readonly used: number
  readonly requested: number
  readonly waitMs: number
}

interface Kind {
  readonly name: QuotaName
  readonly counts: keyof Needs
  readonly windowMs: number
}

const kinds: readonly Kind[] = [
  { name: 'requestsPerMinute', counts: 'requests', windowMs: 60_000 },
  { name: 'requestsPerDay', counts: 'requests', windowMs: 86_400_000 },
  { name: 'tokensPerMinute', counts: 'tokens', windowMs: 60_000 },
  { name: 'tokensPerDay', counts: 'tokens', windowMs: 86_400_000 },
]

/**
 * Quotas by the minute and the day, each filling continuously. Neither vendor names its algorithm;
 * both say in refusals how long to wait, and every published refusal agrees with
 * (used + requested - limit) / (limit / window) to the millisecond
 * (https://github.com/continuedev/continue/issues/11472,
 * https://github.com/openai/openai-agents-js/issues/1022, https://github.com/elizaOS/eliza/issues/4040).
 */
export class Quotas {
  readonly #buckets = new Map<QuotaName, Bucket>()

  constructor(limits: Limits) {
    this.setLimits(limits)
  }

  setLimits(limits: Limits): void {
    for (const { name, windowMs } of kinds) {
      const limit = limits[name]
      const bucket = this.#buckets.get(name)
      if (limit === undefined) this.#buckets.delete(name)
      else if (bucket === undefined) this.#buckets.set(name, new Bucket(sizeOf(limit, windowMs)))
      else bucket.resize(sizeOf(limit, windowMs))
    }
  }

  /** The quota with the longest wait, or null where `needs` can be taken at once. */
  shortage(atMs: number, needs: Needs): Shortage | null {
    let longest: Shortage | null = null
    for (const { name, counts } of kinds) {
      const bucket = this.#buckets.get(name)
      if (bucket === undefined) continue
      const requested = needs[counts]
      const waitMs = bucket.waitMs(atMs, requested)
      if (waitMs === 0 || (longest !== null && longest.waitMs >= waitMs)) continue
      const limit = bucket.capacity
      const used = Math.round(limit - bucket.level(atMs))
      longest = { name, counts, limit, used, requested, waitMs }
    }
    return longest
  }

  take(atMs: number, needs: Needs): void {
    for (const { name, counts } of kinds) this.#buckets.get(name)?.take(atMs, needs[counts])
  }

  /** Takes `needs` as far as there is any. */
  drain(atMs: number, needs: Needs): void {
    for (const { name, counts } of kinds) this.#buckets.get(name)?.drain(atMs, needs[counts])
  }

  /**
   * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, each of the first quota of its list
   * that is set; resets are the time until it is full again.
   */
  headers(
    atMs: number,
    shown: Readonly<Record<keyof Needs, readonly QuotaName[]>>,
  ): [string, string][] {
    const headers: [string, string][] = []
    for (const counts of ['requests', 'tokens'] as const) {
      const name = shown[counts].find((candidate) => this.#buckets.has(candidate))
      const bucket = name === undefined ? undefined : this.#buckets.get(name)
      if (bucket === undefined) continue
      const remaining = Math.max(0, Math.floor(bucket.level(atMs) + 1e-6))
      headers.push(
        [`x-ratelimit-limit-${counts}`, `${bucket.capacity}`],
        [`x-ratelimit-remaining-${counts}`, `${remaining}`],
        [`x-ratelimit-reset-${counts}`, goDuration(bucket.fullInMs(atMs))],
      )
    }
    return headers
  }
}

function sizeOf(limit: number, windowMs: number): BucketSize {
  return { capacity: limit, perMs: limit / windowMs }
}
