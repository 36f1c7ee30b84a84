import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Hold } from '../prefix/prefix-index.ts'

/** One call at a replica, from its sending to its end. Only the ledger writes it. */
export interface Entry {
  readonly call: PoolCall
  readonly slot: number
  /** Milliseconds on the pool's clock. */
  readonly sentMs: number
  /** Prompt tokens the replica has to compute, as the index had it when the call was sent. */
  readonly uncachedTokens: number
  /** What computing them takes a replica of usual speed. */
  readonly plainMs: number
  readonly hold: Hold
  /** On the same clock; undefined until it has come, or where it is only presumed to have. */
  firstTokenMs: number | undefined
  state: 'prefill' | 'decode' | 'ended'
  /** Tokens generated, as far as they have been seen. */
  generated: number
  /** KV blocks beyond those of the hold: the partial last one, and what was generated. */
  tailBlocks: number
}
