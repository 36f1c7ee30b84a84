import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Gauges } from '../signals/gauges.ts'
import { leastOf } from './least-of.ts'
import { type BlockSizes, LlmDPrefixes } from './llm-d-prefixes.ts'
import type { Candidate } from './policy.ts'
import type { PredictingPolicy } from './predicting-policy.ts'

export interface LlmDOptions extends BlockSizes {
  /** Uniform in [0, 1). */
  readonly random: () => number
}

const weights = { queue: 2, kv: 2, prefix: 3 } as const
const matchedTokensMax = 131_072

/**
 * llm-d’s default profile: queue-scorer 2, kv-cache-utilization-scorer 2, prefix-cache-scorer 3, each
 * of 0 to 1, and the largest sum; of equals one by chance (from pull request 2709 on, in turn). The
 * gauges are those of the last scrape: llm-d adds nothing of its own sends to them. A replica that
 * never answered has no score of the first two; before pull request 2848 it passed for idle.
 *
 * Source: llm-d-router 0.10, `pkg/epp/config/loader/defaults.go` and
 * `pkg/epp/framework/plugins/scheduling/scorer/{queuedepth,kvcacheutilization,prefix}`.
 */
export class LlmDDefault implements PredictingPolicy {
  readonly name = 'llm-d-default'
  cachedTokens = 0
  readonly #random: () => number
  readonly #prefixes: LlmDPrefixes

  constructor(options: LlmDOptions) {
    this.#random = options.random
    this.#prefixes = new LlmDPrefixes({ ...options, matchedTokensMax })
  }

  choose(call: PoolCall, candidates: readonly Candidate[]): Candidate {
    const prefixes = this.#prefixes
    prefixes.look(call)
    const queueScore = queueScorer(candidates)
    const cost = ({ gauges, slot }: Candidate) =>
      -weights.queue * queueScore(gauges) -
      weights.kv * kvScore(gauges) -
      weights.prefix * prefixes.share(call, slot)
    const chosen = leastOf(candidates, cost, this.#random)
    this.cachedTokens = prefixes.cachedTokens(call, chosen.slot)
    prefixes.record(call, chosen)
    return chosen
  }

  forget(slot: number): void {
    this.#prefixes.forget(slot)
  }
}

/** (max − waiting) ÷ (max − min) over the candidates that have answered; 1 where all are equal. */
function queueScorer(candidates: readonly Candidate[]): (gauges: Gauges) => number {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const { gauges } of candidates) {
    if (!hasAnswered(gauges)) continue
    least = Math.min(least, gauges.waiting)
    most = Math.max(most, gauges.waiting)
  }
  return (gauges) => {
    if (!hasAnswered(gauges)) return 0
    return most === least ? 1 : (most - gauges.waiting) / (most - least)
  }
}

function kvScore(gauges: Gauges): number {
  return hasAnswered(gauges) ? Math.min(1, Math.max(0, 1 - gauges.kvUsage)) : 0
}

function hasAnswered({ atMs }: Gauges): boolean {
  return atMs !== Number.NEGATIVE_INFINITY
}
