import type { PoolCall } from '../dispatch/pool-call.ts'
import { leastOf } from './least-of.ts'
import type { Candidate } from './policy.ts'
import type { PredictingPolicy } from './predicting-policy.ts'
import { SentPrefixes } from './sent-prefixes.ts'

/** Where load goes before cache: `fleet`, for all; `matched`, for the replica that has the prefix. */
export type BalanceGate = 'fleet' | 'matched'

interface CacheAwareParts {
  readonly name: string
  readonly gate: BalanceGate
  /** Tokens in a block of the calls’ chains. */
  readonly blockTokens: number
  /** Chooses among equals: uniform in [0, 1), or `firstOfEquals`. */
  readonly random: () => number
}

/** Part of a prompt that must be known above which the cache counts. */
const cacheThreshold = 0.3
/** Calls in flight, and the ratio of them, by which load counts first. */
const balanceAbsolute = 64
const balanceRelative = 1.5
/** `max-tree-size`, 67,108,864 characters for each replica, at four characters a token. */
const treeTokensMax = 16_777_216
/** Smaller blocks than this are put together: 262,144 of them at most for each replica. */
const blockTokensMin = 64

/**
 * `cache_aware` of sglang’s router and what came of it. Each call goes where the longest known part of
 * its prompt was sent first, where that is more than 0.3 of the prompt; else to the fewest calls in
 * flight.
 *
 * - vllm-router (`fleet`): when the busiest replica has over 64 calls more than the idlest and over
 *   1.5 times as many, *every* call goes to the fewest in flight. Of equals the first is taken.
 * - smg (`matched`): only a call whose own replica is that much above the mean does. Its expected-wait
 *   rule for the rest needs throughput it polls: here it is the fewest calls in flight as well, so
 *   this stands for smg roughly. Of equals one is taken by chance.
 *
 * They keep a radix tree of the prompt’s text, a pool has chains: the part of a block that two prompts
 * share is not seen, nor anything of a prompt shorter than a block. The tree is cut every 120 s,
 * the chains’ index at once; both drop what was used longest ago, leaves first. A replica that was
 * sent the prefix but takes no calls is passed over for the fewest in flight.
 *
 * Source: vllm-project/router `src/policies/cache_aware.rs`, `src/tree.rs`, and the defaults of its
 * command line; smg-project/smg 1.9 `model_gateway/src/policies/cache_aware.rs`.
 */
export class CacheAware implements PredictingPolicy {
  readonly name: string
  cachedTokens = 0
  readonly #gate: BalanceGate
  readonly #random: () => number
  readonly #sent: SentPrefixes
  /** Tokens in a block of the index. */
  readonly #blockTokens: number

  constructor({ name, gate, blockTokens, random }: CacheAwareParts) {
    this.name = name
    this.#gate = gate
    this.#random = random
    const stride = Math.ceil(blockTokensMin / blockTokens)
    this.#blockTokens = stride * blockTokens
    this.#sent = new SentPrefixes({ stride, recency: 'head-newest' })
  }

  choose(call: PoolCall, candidates: readonly Candidate[]): Candidate {
    const known = this.#sent.match(call.chain) * this.#blockTokens
    const matched = known > cacheThreshold * call.tokens ? this.#firstHolder(candidates) : undefined
    const chosen =
      matched === undefined || this.#isUnbalanced(matched, candidates)
        ? leastOf(candidates, ({ inFlight }) => inFlight, this.#random)
        : matched
    this.cachedTokens = this.#sent.matched(chosen.slot) * this.#blockTokens
    this.#sent.record(call.chain, {
      slot: chosen.slot,
      blocksMax: Number.POSITIVE_INFINITY,
      capacity: Math.floor(treeTokensMax / this.#blockTokens),
    })
    return chosen
  }

  forget(slot: number): void {
    this.#sent.forget(slot)
  }

  #firstHolder(candidates: readonly Candidate[]): Candidate | undefined {
    const holder = this.#sent.firstHolder()
    return candidates.find(({ slot }) => slot === holder)
  }

  #isUnbalanced(matched: Candidate, candidates: readonly Candidate[]): boolean {
    let least = Number.POSITIVE_INFINITY
    let most = 0
    let sum = 0
    for (const { inFlight } of candidates) {
      least = Math.min(least, inFlight)
      most = Math.max(most, inFlight)
      sum += inFlight
    }
    return this.#gate === 'fleet'
      ? isFarAbove(most, least)
      : isFarAbove(matched.inFlight, sum / candidates.length)
  }
}

function isFarAbove(load: number, other: number): boolean {
  return load - other > balanceAbsolute && load > other * balanceRelative
}
