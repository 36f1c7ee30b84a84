import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Candidate } from './policy.ts'
import { SentPrefixes } from './sent-prefixes.ts'

/** What the index needs to know of the pool. */
export interface BlockSizes {
  /** Tokens in a block of the calls’ chains. */
  readonly blockTokens: number
  /**
   * Tokens in a KV block of the replicas. 16, vLLM’s default, where nobody says: a simulator with
   * coarser blocks stands for replicas that have blocks of 16.
   */
  readonly engineBlockTokens?: number | undefined
}

interface LlmDPrefixesParts extends BlockSizes {
  /** Tokens of a prompt that are looked at. */
  readonly matchedTokensMax: number
}

const engineBlockTokensDefault = 16
/** Below it llm-d’s index grew to gigabytes (its issue 1158). */
const entryTokensMin = 64
/** Entries kept of a replica that does not say how large its KV cache is. */
const entriesDefault = 31_250

/**
 * llm-d’s approximate prefix producer: each replica has an LRU of *entries*, one for each
 * max(64, KV block) tokens of the prompts it was sent, and as many entries as it has KV blocks. So
 * with blocks of 16 it remembers four times what the replica can hold, which simulations found
 * to be good for it. It never hears of evictions, and counts what a replica holds behind a gap.
 *
 * A block of the chain that is larger than an entry stands for as many entries as it has tokens for,
 * so that the capacity in tokens is the same; of smaller ones several make an entry. llm-d hashes the
 * partial block at a prompt’s end, which a chain does not have: it counts as not found. llm-d’s token
 * counts are estimates (four bytes a token) unless it asks a replica; these are exact.
 *
 * Source: llm-d-router 0.10,
 * `pkg/epp/framework/plugins/requestcontrol/dataproducer/approximateprefix`.
 */
export class LlmDPrefixes {
  readonly #sent: SentPrefixes
  readonly #engineBlockTokens: number
  readonly #entryTokens: number
  /** Tokens in a block of the index: of one entry or more. */
  readonly #blockTokens: number
  readonly #blocksMax: number
  readonly #entriesMax: number

  constructor({ blockTokens, engineBlockTokens, matchedTokensMax }: LlmDPrefixesParts) {
    this.#engineBlockTokens = engineBlockTokens ?? engineBlockTokensDefault
    this.#entryTokens = Math.max(entryTokensMin, this.#engineBlockTokens)
    const stride = Math.ceil(this.#entryTokens / blockTokens)
    this.#blockTokens = stride * blockTokens
    this.#blocksMax = Math.floor(matchedTokensMax / this.#blockTokens)
    this.#entriesMax = Math.floor(matchedTokensMax / this.#entryTokens)
    this.#sent = new SentPrefixes({ stride, recency: 'head-oldest' })
  }

  /** What follows is of this call. */
  look({ chain }: PoolCall): void {
    this.#sent.match(chain, this.#blocksMax)
  }

  /** Part of the prompt’s entries that the replica was sent before, 0 to 1. */
  share({ tokens }: PoolCall, slot: number): number {
    const entries = Math.min(Math.ceil(tokens / this.#entryTokens), this.#entriesMax)
    if (entries === 0) return 0
    const found = (this.#sent.matched(slot) * this.#blockTokens) / this.#entryTokens
    return Math.min(1, found / entries)
  }

  cachedTokens({ tokens }: PoolCall, slot: number): number {
    return Math.min(this.#sent.matched(slot) * this.#blockTokens, tokens)
  }

  /** The replica is sent the call. */
  record({ chain }: PoolCall, { slot, gauges: { kvTokens } }: Candidate): void {
    const entries =
      kvTokens === undefined ? entriesDefault : Math.floor(kvTokens / this.#engineBlockTokens)
    const capacity = Math.floor((entries * this.#entryTokens) / this.#blockTokens)
    this.#sent.record(chain, { slot, blocksMax: this.#blocksMax, capacity })
  }

  forget(slot: number): void {
    this.#sent.forget(slot)
  }

  /** Blocks of the index that are kept of a replica. */
  size(slot: number): number {
    return this.#sent.size(slot)
  }
}
