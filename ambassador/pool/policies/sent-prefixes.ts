import { Cells } from '../prefix/cells.ts'
import type { Chain } from '../prefix/chain.ts'
import { RunTable } from '../prefix/run-table.ts'

/** A block: a prefix that ends with one. Its holdings are in the order in which they began. */
const block = { low: 0, high: 1, first: 2 } as const
/** A holding: one block at one replica, among those of its block and in its replica’s order of use. */
const holding = { slot: 0, block: 1, next: 2, older: 3, newer: 4 } as const

/** What one replica was sent, in order of use: its first and last holding, 0 where it has none. */
interface Shelf {
  readonly slot: number
  oldest: number
  newest: number
  size: number
}

/** Which part of a chain is used last, so that its other end is forgotten first. */
export type Recency = 'head-oldest' | 'head-newest'

interface SentPrefixesParts {
  /** Blocks of a chain that make one block here. */
  readonly stride: number
  readonly recency: Recency
}

/** What is recorded of a prompt sent. */
interface Sent {
  readonly slot: number
  /** Blocks of the prompt that are recorded at most, from its start. */
  readonly blocksMax: number
  /** Blocks that are kept of this replica at most; those used longest ago go. */
  readonly capacity: number
}

/**
 * The prefixes each replica was sent, as a router knows them that never hears what a replica has
 * thrown away. Bounded per replica. Matching costs one look-up for each block of the prompt and one
 * count for each replica that holds it; recording costs the same. It takes 32 bytes for each block
 * and replica and 40 for each block besides.
 */
export class SentPrefixes {
  readonly #stride: number
  readonly #recency: Recency
  readonly #blocks = new Cells()
  readonly #holdings = new Cells()
  readonly #table = new RunTable({
    lowOf: (cell) => this.#blocks.get(cell, block.low),
    highOf: (cell) => this.#blocks.get(cell, block.high),
  })
  readonly #shelves: (Shelf | undefined)[] = []
  /** Of the last match, by slot. */
  readonly #counts: number[] = []
  /** Cells of the last match, from the start of its chain, until something is forgotten. */
  readonly #found: number[] = []
  #matched: Chain | undefined

  constructor({ stride, recency }: SentPrefixesParts) {
    this.#stride = stride
    this.#recency = recency
  }

  /** Blocks that are kept of a replica. */
  size(slot: number): number {
    return this.#shelves[slot]?.size ?? 0
  }

  /**
   * Looks up the chain from its start to the first block that nobody holds, at most `blocksMax`
   * blocks, and gives how many there were. What it found is asked for by `matched` and
   * `firstHolder`.
   */
  match(chain: Chain, blocksMax = Number.POSITIVE_INFINITY): number {
    this.#counts.fill(0)
    this.#found.length = 0
    this.#matched = chain
    const end = this.#end(chain, blocksMax)
    for (let at = 0; at < end; at++) {
      const cell = this.#find(chain, at)
      if (cell === 0) return at
      this.#found.push(cell)
      this.#count(cell)
    }
    return end
  }

  /** Blocks of the last match that the replica holds, with gaps where it has lost some. */
  matched(slot: number): number {
    return this.#counts[slot] ?? 0
  }

  /** Of those that hold the last block of the last match, who was sent it first. */
  firstHolder(): number | undefined {
    const deepest = this.#found.at(-1)
    if (deepest === undefined) return undefined
    return this.#holdings.get(this.#blocks.get(deepest, block.first), holding.slot)
  }

  record(chain: Chain, { slot, blocksMax, capacity }: Sent): void {
    const shelf = this.#shelf(slot)
    const end = this.#end(chain, blocksMax)
    for (let step = 0; step < end; step++) {
      const at = this.#recency === 'head-oldest' ? step : end - 1 - step
      this.#use(shelf, this.#block(chain, at))
    }
    while (shelf.size > capacity) this.#drop(shelf, shelf.oldest)
  }

  forget(slot: number): void {
    const shelf = this.#shelves[slot]
    if (shelf === undefined) return
    while (shelf.size > 0) this.#drop(shelf, shelf.oldest)
    this.#shelves[slot] = undefined
  }

  #end({ length }: Chain, blocksMax: number): number {
    return Math.min(Math.floor(length / this.#stride), blocksMax)
  }

  /** Where in the chain the hash of a block of this index is. */
  #last(at: number): number {
    return (at + 1) * this.#stride - 1
  }

  /** 0 where nobody holds it. */
  #find({ low, high }: Chain, at: number): number {
    const last = this.#last(at)
    return this.#table.find((low[last] ?? 0) | 0, (high[last] ?? 0) | 0)
  }

  #count(cell: number): void {
    let held = this.#blocks.get(cell, block.first)
    for (; held !== 0; held = this.#holdings.get(held, holding.next)) {
      const slot = this.#holdings.get(held, holding.slot)
      this.#counts[slot] = (this.#counts[slot] ?? 0) + 1
    }
  }

  #shelf(slot: number): Shelf {
    // Filled up to the slot: an array with holes is slow.
    while (this.#shelves.length <= slot) {
      this.#shelves.push(undefined)
      this.#counts.push(0)
    }
    return (this.#shelves[slot] ??= { slot, oldest: 0, newest: 0, size: 0 })
  }

  /** A call is matched before it is recorded as a rule: half of the look-ups are spared. */
  #block(chain: Chain, at: number): number {
    const found = this.#matched === chain ? this.#found[at] : undefined
    if (found !== undefined) return found
    const known = this.#find(chain, at)
    if (known !== 0) return known
    const last = this.#last(at)
    const cell = this.#blocks.take()
    this.#blocks.set(cell, block.low, chain.low[last] ?? 0)
    this.#blocks.set(cell, block.high, chain.high[last] ?? 0)
    this.#table.add(cell)
    return cell
  }

  #use(shelf: Shelf, cell: number): void {
    let end = 0
    let held = this.#blocks.get(cell, block.first)
    while (held !== 0 && this.#holdings.get(held, holding.slot) !== shelf.slot) {
      end = held
      held = this.#holdings.get(held, holding.next)
    }
    if (held === 0) held = this.#hold(shelf, cell, end)
    else this.#unlink(shelf, held)
    this.#append(shelf, held)
  }

  /** A new holding behind `end`, the last of its block. */
  #hold(shelf: Shelf, cell: number, end: number): number {
    const held = this.#holdings.take()
    this.#holdings.set(held, holding.slot, shelf.slot)
    this.#holdings.set(held, holding.block, cell)
    if (end === 0) this.#blocks.set(cell, block.first, held)
    else this.#holdings.set(end, holding.next, held)
    shelf.size++
    return held
  }

  #drop(shelf: Shelf, held: number): void {
    this.#unlink(shelf, held)
    shelf.size--
    const cell = this.#holdings.get(held, holding.block)
    const next = this.#holdings.get(held, holding.next)
    const before = this.#before(cell, held)
    if (before !== 0) this.#holdings.set(before, holding.next, next)
    else if (next !== 0) this.#blocks.set(cell, block.first, next)
    else {
      this.#table.remove(cell)
      this.#blocks.give(cell)
      this.#matched = undefined
    }
    this.#holdings.give(held)
  }

  /** The holding before `held` in its block; 0 where it is the first. */
  #before(cell: number, held: number): number {
    let before = 0
    let at = this.#blocks.get(cell, block.first)
    while (at !== held) {
      before = at
      at = this.#holdings.get(at, holding.next)
    }
    return before
  }

  #unlink(shelf: Shelf, held: number): void {
    const older = this.#holdings.get(held, holding.older)
    const newer = this.#holdings.get(held, holding.newer)
    if (older === 0) shelf.oldest = newer
    else this.#holdings.set(older, holding.newer, newer)
    if (newer === 0) shelf.newest = older
    else this.#holdings.set(newer, holding.older, older)
  }

  #append(shelf: Shelf, held: number): void {
    this.#holdings.set(held, holding.older, shelf.newest)
    this.#holdings.set(held, holding.newer, 0)
    if (shelf.newest === 0) shelf.oldest = held
    else this.#holdings.set(shelf.newest, holding.newer, held)
    shelf.newest = held
  }
}
