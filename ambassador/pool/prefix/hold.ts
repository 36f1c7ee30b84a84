import type { ReplicaCache } from './replica-cache.ts'

/** The blocks that one live call holds in one replica. Only the index writes to it. */
export interface Hold {
  readonly slot: number
  /** Leading blocks that were thought to be there when the call was sent; the rest is computed. */
  readonly found: number
  /** Full blocks held; grows with `extend`. */
  readonly blocks: number
}

/** The index's own view of a hold. */
export class LiveHold implements Hold {
  readonly cache: ReplicaCache
  /** Number of this hold in the order of all holds, modulo 2^32, signed. */
  readonly stamp: number
  found = 0
  blocks = 0
  /** The last run of the call; 0 where it has no full block. */
  node = 0
  isLive = true

  constructor(cache: ReplicaCache, stamp: number) {
    this.cache = cache
    this.stamp = stamp
  }

  get slot(): number {
    return this.cache.slot
  }
}
