import type { PoolCall } from '../dispatch/pool-call.ts'
import { leastOf } from './least-of.ts'
import type { LlmDOptions } from './llm-d-default.ts'
import { LlmDPrefixes } from './llm-d-prefixes.ts'
import type { Candidate } from './policy.ts'
import type { PredictingPolicy } from './predicting-policy.ts'

/** The guide’s, for models of 40,960 tokens. */
const matchedTokensMax = 40_960
/** Part of a prompt that a replica must have been sent to be preferred. */
const affinityThreshold = 0.8
/**
 * How many more prefill tokens than elsewhere may be in flight at the preferred replicas. The filter
 * of the later router says 18,000 ms at 15,928 tokens a second: 286,704.
 */
const tokensInFlightPenaltyMax = 286_720
/** 128 calls of 32,768 tokens. */
const tokenLoadMax = 4_194_304

/**
 * llm-d’s guide “optimized baseline”: prefix-cache-affinity-filter, then token-load-scorer. Replicas
 * that were sent 80 % of the prompt before are the only ones considered, unless even the least loaded
 * of them has too many prefill tokens in flight. Of those left the one with the fewest, the call’s own
 * uncached ones included; of equals one by chance. It looks at no gauge but for the size of its index.
 *
 * Tokens in flight are the pool’s `queuedTokens`: sent, uncached, no first token yet. The pool’s index
 * says what is cached of them, where llm-d asks its own.
 *
 * Source: llm-d `guides/optimized-baseline/router/optimized-baseline.values.yaml`; llm-d-router 0.10
 * `filter/prefixcacheaffinity`, `scorer/tokenload`, `dataproducer/inflightload`.
 */
export class LlmDOptimizedBaseline implements PredictingPolicy {
  readonly name = 'llm-d-optimized-baseline'
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
    const load = ({ slot, queuedTokens }: Candidate) =>
      Math.min(tokenLoadMax, queuedTokens + call.tokens - prefixes.cachedTokens(call, slot))
    const chosen = leastOf(this.#kept(call, candidates), load, this.#random)
    this.cachedTokens = prefixes.cachedTokens(call, chosen.slot)
    prefixes.record(call, chosen)
    return chosen
  }

  forget(slot: number): void {
    this.#prefixes.forget(slot)
  }

  /** The filter. Gives all where there is nothing to prefer. */
  #kept(call: PoolCall, candidates: readonly Candidate[]): readonly Candidate[] {
    const sticky = candidates.filter(
      ({ slot }) => this.#prefixes.share(call, slot) >= affinityThreshold,
    )
    if (sticky.length === 0 || sticky.length === candidates.length) return candidates
    const others = candidates.filter((candidate) => !sticky.includes(candidate))
    const penalty = fewestTokens(sticky) - fewestTokens(others)
    return penalty > tokensInFlightPenaltyMax ? candidates : sticky
  }
}

function fewestTokens(candidates: readonly Candidate[]): number {
  let fewest = Number.POSITIVE_INFINITY
  for (const { queuedTokens } of candidates) fewest = Math.min(fewest, queuedTokens)
  return fewest
}
