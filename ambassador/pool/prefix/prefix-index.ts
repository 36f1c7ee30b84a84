import assert from 'node:assert'
import type { Chain } from './chain.ts'
import { Copies } from './copies.ts'
import { type Hold, LiveHold } from './hold.ts'
import { ReplicaCache } from './replica-cache.ts'
import { RunTree } from './run-tree.ts'
import { takeBack } from './take-back.ts'

export type { Hold } from './hold.ts'

/** Runs that one audit looks at; what is beyond waits for the next. */
const auditRunsMax = 10_000

/** Runs at the end of a prompt that are looked at when its call ends, to join them with others. */
const joinsMax = 8

/**
 * Which replica holds which prefix: a mirror of the cache of every replica of a pool, made from the
 * calls sent to it alone. It is exact where nobody else writes to those caches and the capacities
 * are right; `audit` corrects it from what a replica says it found.
 */
export class PrefixIndex {
  readonly #tree = new RunTree()
  readonly #copies = new Copies(this.#tree)
  readonly #shelves = { tree: this.#tree, copies: this.#copies }
  readonly #caches: (ReplicaCache | undefined)[] = []
  readonly #blocksMax: number
  #stamp = 0

  /** At most `blocksMax` blocks over all replicas, live ones aside (about 100 bytes each at worst). */
  constructor(options: { readonly blocksMax: number }) {
    this.#blocksMax = options.blocksMax
  }

  /** Blocks of all replicas, each counted as often as it is held. */
  get blocks(): number {
    return this.#copies.blocks
  }

  /** What the index is made of: runs, copies of them in replicas, hashes, and bytes of the tables. */
  get size(): { runs: number; copies: number; hashes: number; bytes: number } {
    const open = this.#caches.filter((cache) => cache !== undefined).length
    return {
      runs: this.#tree.size,
      copies: this.#copies.size - 2 * open,
      hashes: this.#tree.blocks,
      bytes: this.#tree.bytes + this.#copies.bytes,
    }
  }

  /**
   * A replica joins with an empty cache of so many blocks (of vLLM `num_gpu_blocks` - 1: one is never
   * used). The slot must not be open.
   */
  open(slot: number, capacityBlocks: number): void {
    assert(this.#caches[slot] === undefined, 'the slot is open')
    this.#caches[slot] = new ReplicaCache(this.#shelves, slot, capacityBlocks)
  }

  /** The replica has room for so many blocks. */
  resize(slot: number, capacityBlocks: number): void {
    this.#at(slot).capacity = capacityBlocks
  }

  /** Live calls fill so many blocks that have no hash: last parts of prompts, generated tokens. */
  reserve(slot: number, blocks: number): void {
    this.#at(slot).reserved = blocks
  }

  /**
   * The replica leaves, or has come back with nothing in its cache: everything of the slot is gone,
   * and the holds of its calls are void. Does nothing where the slot is not open.
   */
  close(slot: number): void {
    this.#caches[slot]?.end()
    this.#caches[slot] = undefined
  }

  /**
   * Writes the leading blocks of the chain that each slot holds to `into` (as long as there are
   * slots) and answers the most that one holds. To `live`, where it is given, those of them that live
   * calls hold: a further call takes no room for these. O(runs of the prompt × replicas that hold them).
   */
  match(chain: Chain, into: Int32Array, live?: Int32Array): number {
    into.fill(0)
    live?.fill(0)
    let most = 0
    let at = 0
    while (at < chain.length) {
      const node = this.#tree.find(chain, at)
      if (node === 0) break
      const common = this.#tree.common(node, chain, at)
      for (let copy = this.#tree.copies(node); copy !== 0; copy = this.#copies.sibling(copy)) {
        const slot = this.#copies.slot(copy)
        const held = at + Math.min(common, this.#copies.length(copy))
        into[slot] = held
        if (live !== undefined && this.#copies.holds(copy) > 0) live[slot] = held
        if (held > most) most = held
      }
      at += common
      if (common < this.#tree.length(node)) break
    }
    return most
  }

  /**
   * A call is sent to the slot: it holds its full blocks until `release`. What was not there is
   * taken to be there at once, and what must give way goes.
   */
  hold(chain: Chain, slot: number): Hold {
    this.#stamp = (this.#stamp + 1) | 0
    const hold = new LiveHold(this.#at(slot), this.#stamp)
    hold.found = this.#keep(hold, chain)
    return hold
  }

  /**
   * Generated tokens have filled further blocks: `chain` goes on where that of the hold ended. Best
   * called once, before `release`: every call of it starts a run. Nothing where the hold is void.
   */
  extend(hold: Hold, chain: Chain): void {
    const live = this.#live(hold)
    if (live !== undefined) this.#keep(live, chain)
  }

  /**
   * The replica said that it found only `blocks` of what the live hold believed (`found`): what was
   * believed below that block when the call was sent, in whatever prompt, is dropped; what calls hold
   * or have computed since stays. Nothing where the hold is void or the replica found what it should.
   */
  audit(hold: Hold, blocks: number): void {
    const live = this.#live(hold)
    if (live === undefined || blocks >= live.found) return
    let node = live.node
    let above = live.blocks - this.#tree.length(node)
    while (above > blocks) {
      node = this.#tree.parent(node)
      above -= this.#tree.length(node)
    }
    this.#forget(live, node)
  }

  /**
   * The call has ended: its blocks go to the end of the line, the last first. A second call does
   * nothing, nor does one for a void hold.
   */
  release(hold: Hold): void {
    const live = this.#live(hold)
    if (live === undefined) return
    live.isLive = false
    for (let node = live.node; node !== 0; node = this.#tree.parent(node)) {
      live.cache.free(node, this.#stamp)
    }
    this.#join(live.node)
    live.cache.evict()
    this.#bound()
  }

  /** The call was refused before anything of it was computed: as `release`, but its own blocks go. */
  takeBack(hold: Hold): void {
    const live = this.#live(hold)
    if (live !== undefined) takeBack(this.#shelves, live, this.#stamp)
    this.#bound()
  }

  /** Blocks of the hold that no other live call holds: those that its end would free. */
  exclusive(hold: Hold): number {
    const live = this.#live(hold)
    let blocks = 0
    for (let node = live?.node ?? 0; node !== 0; node = this.#tree.parent(node)) {
      if (this.#copies.holds(this.#copies.find(node, hold.slot)) > 1) break
      blocks += this.#tree.length(node)
    }
    return blocks
  }

  /** Blocks with a hash that live calls hold, each counted once; may exceed the capacity. */
  live(slot: number): number {
    return this.#at(slot).live
  }

  /** Blocks with a hash, each counted once. */
  held(slot: number): number {
    return this.#at(slot).held
  }

  capacity(slot: number): number {
    return this.#at(slot).capacity
  }

  /** Blocks without a hash, as last told to `reserve`. */
  reserved(slot: number): number {
    return this.#at(slot).reserved
  }

  #at(slot: number): ReplicaCache {
    const cache = this.#caches[slot]
    assert(cache !== undefined, 'the slot is not open')
    return cache
  }

  /** Undefined where the hold was released, or its replica has left. */
  #live(hold: Hold): LiveHold | undefined {
    assert(hold instanceof LiveHold)
    return hold.isLive && this.#caches[hold.slot] === hold.cache ? hold : undefined
  }

  /** Holds the blocks of the chain after those of the hold; answers how many of all were there. */
  #keep(hold: LiveHold, chain: Chain): number {
    const { cache } = hold
    let found = hold.blocks
    while (hold.blocks < chain.length) {
      const at = hold.blocks
      const node = this.#runAt(hold.node, chain, at)
      const there = cache.keep(node)
      if (found === at) found += there
      hold.node = node
      hold.blocks = at + this.#tree.length(node)
    }
    cache.evict()
    this.#bound()
    return found
  }

  /** The run that holds the chain's blocks from `at` and no other: found, split off, or made. */
  #runAt(parent: number, chain: Chain, at: number): number {
    const node = this.#tree.find(chain, at)
    if (node === 0) return this.#tree.add(parent, chain, at)
    const common = this.#tree.common(node, chain, at)
    return common < this.#tree.length(node) ? this.#copies.split(node, common) : node
  }

  /** Makes one run of short ones that a conversation left behind turn by turn. */
  #join(last: number): void {
    let node = last
    for (let step = 0; step < joinsMax && node !== 0; step += 1) {
      if (!this.#copies.join(node)) node = this.#tree.parent(node)
    }
  }

  /** Takes from the slot with the most that may go while there are more blocks than allowed. */
  #bound(): void {
    while (this.#copies.blocks > this.#blocksMax) {
      let biggest: ReplicaCache | undefined
      for (const cache of this.#caches) {
        if (cache === undefined) continue
        if (biggest === undefined || idle(cache) > idle(biggest)) biggest = cache
      }
      if (biggest === undefined || idle(biggest) === 0) return
      biggest.drop(Math.min(this.#copies.blocks - this.#blocksMax, idle(biggest)))
    }
  }

  /** Drops what the slot holds below `top` and no call has held since `hold` began. */
  #forget(hold: LiveHold, top: number): void {
    const { doomed, spared } = this.#doomed(hold, top)
    // A run is found before the runs below it; they go first.
    for (const copy of doomed.toReversed()) {
      if (!spared.has(this.#copies.node(copy))) {
        hold.cache.trim(copy, this.#copies.length(copy))
      }
    }
  }

  /** The copies to drop, and those of their runs that have to stay: not all below was looked at. */
  #doomed(hold: LiveHold, top: number): { doomed: number[]; spared: Set<number> } {
    const doomed: number[] = []
    const spared = new Set<number>()
    const nodes = [top]
    let looked = 0
    while (looked < auditRunsMax) {
      const node = nodes.pop()
      if (node === undefined) return { doomed, spared }
      let child = this.#tree.child(node)
      for (; child !== 0 && looked < auditRunsMax; child = this.#tree.next(child)) {
        looked += 1
        const copy = this.#copies.find(child, hold.slot)
        if (copy === 0) continue
        nodes.push(child)
        if (this.#isOlder(copy, hold)) doomed.push(copy)
      }
      if (child !== 0) nodes.push(node)
    }
    for (const node of nodes) {
      for (let run = node; run !== 0 && !spared.has(run); run = this.#tree.parent(run)) {
        spared.add(run)
      }
    }
    return { doomed, spared }
  }

  /** No call has held the copy since `hold` began. */
  #isOlder(copy: number, hold: LiveHold): boolean {
    return this.#copies.holds(copy) === 0 && ((this.#copies.freed(copy) - hold.stamp) | 0) < 0
  }
}

function idle(cache: ReplicaCache): number {
  return cache.held - cache.live
}
