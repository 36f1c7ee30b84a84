import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Hold } from '../prefix/prefix-index.ts'
import type { Reading } from './reading.ts'

/** One call at a replica, from its sending to its end. Only the ledger writes it, but for `mayGoOn`. */
export interface Entry {
  readonly call: PoolCall
  readonly slot: number
  /** Milliseconds on the pool's clock; put off while the replica is given the call’s adapter. */
  sentMs: number
  /** Prompt tokens the replica has to compute, as the index had it when the call was sent. */
  readonly uncachedTokens: number
  /** What computing them takes a replica of usual speed. */
  readonly plainMs: number
  readonly hold: Hold
  /**
   * Whether the replica has the call’s adapter: `loading`, the call goes out when it has been given it;
   * `unknown`, the replica may load it by itself before the call begins.
   */
  adapter: 'there' | 'loading' | 'unknown'
  /** On the same clock; undefined until it has come, or where it is not known when it did. */
  firstTokenMs: number | undefined
  /** When the first content was seen, which may be held back for long; undefined until then. */
  contentMs: number | undefined
  state: 'prefill' | 'decode' | 'ended'
  /** Tokens generated, as far as they have been seen. */
  generated: number
  /** Whether the replica itself has counted them. */
  isCounted: boolean
  readonly reading: Reading
  /** KV blocks beyond those of the hold: the partial last one, and what was generated. */
  tailBlocks: number
  /** Whether another replica can go on with it, where this one stops; undefined where none may. */
  mayGoOn: (() => boolean) | undefined
}
