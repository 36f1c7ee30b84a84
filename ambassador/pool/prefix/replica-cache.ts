import type { Copies } from './copies.ts'
import type { RunTree } from './run-tree.ts'

/** What all replicas of a pool share. */
export interface Shelves {
  readonly tree: RunTree
  readonly copies: Copies
}

/**
 * The cache of one replica, by vLLM's rules: a block that a live call holds stays; what a call held
 * goes to the end of the line when it ends, its last block first; who needs room takes from the
 * front of the line. So a block goes before the blocks above it, and what is held is closed under
 * prefixes. [vllm/v1/core/block_pool.py, kv_cache_manager.py]
 */
export class ReplicaCache {
  readonly slot: number
  readonly #tree: RunTree
  readonly #copies: Copies
  /** What no live call holds, in the order in which it goes. */
  readonly #line: number
  /** What live calls hold. */
  readonly #kept: number
  #capacity: number
  #reserved = 0
  #held = 0
  #live = 0

  constructor(shelves: Shelves, slot: number, capacity: number) {
    this.slot = slot
    this.#tree = shelves.tree
    this.#copies = shelves.copies
    this.#line = this.#copies.list()
    this.#kept = this.#copies.list()
    this.#capacity = capacity
  }

  /** Blocks the replica has for everything. */
  get capacity(): number {
    return this.#capacity
  }

  set capacity(blocks: number) {
    this.#capacity = blocks
    this.evict()
  }

  /** Blocks that live calls fill without a hash. */
  get reserved(): number {
    return this.#reserved
  }

  set reserved(blocks: number) {
    this.#reserved = blocks
    this.evict()
  }

  /** Blocks with a hash, each counted once. */
  get held(): number {
    return this.#held
  }

  /** Those of them that live calls hold. */
  get live(): number {
    return this.#live
  }

  /** One more call holds this run; answers how many blocks of it were here. */
  keep(node: number): number {
    const known = this.#copies.find(node, this.slot)
    const copy = known === 0 ? this.#copies.add(node, this.slot) : known
    const length = this.#tree.length(node)
    const before = known === 0 ? 0 : this.#copies.length(copy)
    const holds = this.#copies.holds(copy)
    if (holds === 0) {
      if (known !== 0) this.#copies.unlink(copy)
      // In front: a run is first held no earlier than the run above it, and goes before it.
      this.#copies.prepend(this.#kept, copy)
      this.#copies.setLength(copy, length)
      this.#held += length - before
      this.#live += length
    }
    this.#copies.setHolds(copy, holds + 1)
    return before
  }

  /** One call fewer holds this run. */
  free(node: number, stamp: number): void {
    const copy = this.#copies.find(node, this.slot)
    const holds = this.#copies.holds(copy) - 1
    this.#copies.setHolds(copy, holds)
    if (holds > 0) return
    this.#live -= this.#copies.length(copy)
    this.#copies.setFreed(copy, stamp)
    this.#copies.unlink(copy)
    this.#copies.append(this.#line, copy)
  }

  /** Makes room: takes from the front of the line what is beyond the capacity. */
  evict(): void {
    this.drop(this.#held + this.#reserved - this.#capacity)
  }

  /** Takes `blocks` from the front of the line, or what there is. */
  drop(blocks: number): void {
    let left = blocks
    while (left > 0) {
      const copy = this.#copies.first(this.#line)
      if (copy === 0) return
      const taken = Math.min(left, this.#copies.length(copy))
      this.trim(copy, taken)
      left -= taken
    }
  }

  /** Drops the last `blocks` of a copy that no call holds. */
  trim(copy: number, blocks: number): void {
    this.#held -= blocks
    this.#copies.trim(copy, blocks)
  }

  /** Drops everything; this object ends with it. O(copies of the replica). */
  end(): void {
    this.drop(this.#held)
    for (let copy = this.#first(); copy !== 0; copy = this.#first()) {
      this.trim(copy, this.#copies.length(copy))
    }
    this.#live = 0
    this.#copies.endList(this.#line)
    this.#copies.endList(this.#kept)
  }

  #first(): number {
    return this.#copies.first(this.#kept)
  }
}
