import { Cells } from './cells.ts'
import type { RunTree } from './run-tree.ts'

const nodeField = 0
const slotField = 1
const blocksField = 2
const holdsField = 3
const siblingField = 4
const afterField = 5
const beforeField = 6
const freedField = 7

/** Blocks of the longest run that is made of two: copying it takes a microsecond. */
const joinedMax = 256

/**
 * What each replica holds of each run: a copy is the first blocks of one run in one replica, 1 or
 * more. Copies are numbers; 0 is none. A copy that a live call holds is complete, as runs end where
 * calls do. Each copy stands in one list of its replica (see `list`), in the order in which they go:
 * a run before the runs above it.
 */
export class Copies {
  readonly #cells = new Cells()
  readonly #tree: RunTree
  #blocks = 0

  constructor(tree: RunTree) {
    this.#tree = tree
  }

  /** Copies and lists. */
  get size(): number {
    return this.#cells.size
  }

  /** Blocks of all copies: each as often as it is held. */
  get blocks(): number {
    return this.#blocks
  }

  /** Bytes that the table takes. */
  get bytes(): number {
    return this.#cells.bytes
  }

  node(copy: number): number {
    return this.#cells.get(copy, nodeField)
  }

  slot(copy: number): number {
    return this.#cells.get(copy, slotField)
  }

  length(copy: number): number {
    return this.#cells.get(copy, blocksField)
  }

  /** Live calls that hold it. */
  holds(copy: number): number {
    return this.#cells.get(copy, holdsField)
  }

  setHolds(copy: number, holds: number): void {
    this.#cells.set(copy, holdsField, holds)
  }

  /** What was given when the last call that held it ended. */
  freed(copy: number): number {
    return this.#cells.get(copy, freedField)
  }

  setFreed(copy: number, stamp: number): void {
    this.#cells.set(copy, freedField, stamp)
  }

  /** The next copy of the same run. */
  sibling(copy: number): number {
    return this.#cells.get(copy, siblingField)
  }

  /** The copy of a run in a replica; O(replicas that hold it). */
  find(node: number, slot: number): number {
    let copy = this.#tree.copies(node)
    while (copy !== 0 && this.slot(copy) !== slot) copy = this.sibling(copy)
    return copy
  }

  /** A copy of the whole run, in no list. */
  add(node: number, slot: number): number {
    const copy = this.#cells.take()
    this.#cells.set(copy, slotField, slot)
    this.#place(copy, node)
    this.setLength(copy, this.#tree.length(node))
    return copy
  }

  setLength(copy: number, blocks: number): void {
    this.#blocks += blocks - this.length(copy)
    this.#cells.set(copy, blocksField, blocks)
  }

  /** Drops the last `blocks` of a copy, and what nobody holds any more. */
  trim(copy: number, blocks: number): void {
    const node = this.node(copy)
    const length = this.length(copy)
    this.setLength(copy, length - blocks)
    if (blocks === length) this.#remove(copy)
    if (this.#tree.copies(node) === 0) this.#tree.remove(node)
    else if (length === this.#tree.length(node)) this.#shorten(node)
  }

  /** Splits a run and all copies of it; answers the upper run. */
  split(node: number, blocks: number): number {
    let copy = this.#tree.copies(node)
    const upper = this.#tree.split(node, blocks)
    this.#tree.setCopies(node, 0)
    while (copy !== 0) {
      const next = this.sibling(copy)
      const rest = this.length(copy) - blocks
      this.#place(copy, rest > 0 ? node : upper)
      if (rest > 0) this.#addUpper(copy, upper)
      copy = next
    }
    return upper
  }

  /**
   * Joins a run that no call holds with the one above it, where no other prompt and no other replica
   * needs the two apart. Both must have been freed one after the other. False where it did not happen.
   */
  join(node: number): boolean {
    const parent = this.#tree.parent(node)
    if (parent === 0 || this.#tree.child(parent) !== node || this.#tree.next(node) !== 0)
      return false
    const upper = this.#tree.copies(parent)
    const lower = this.#tree.copies(node)
    if (this.sibling(upper) !== 0 || this.sibling(lower) !== 0 || this.holds(upper) > 0)
      return false
    const blocks = this.length(upper) + this.length(lower)
    if (blocks > joinedMax || !this.#tree.join(node)) return false
    this.setLength(upper, 0)
    this.setLength(lower, blocks)
    this.unlink(upper)
    this.#cells.give(upper)
    return true
  }

  /** An empty list. */
  list(): number {
    const list = this.#cells.take()
    this.#cells.set(list, afterField, list)
    this.#cells.set(list, beforeField, list)
    return list
  }

  /** Gives an empty list back. */
  endList(list: number): void {
    this.#cells.give(list)
  }

  /** The copy that goes first; 0 where the list is empty. */
  first(list: number): number {
    const copy = this.#cells.get(list, afterField)
    return copy === list ? 0 : copy
  }

  /** In front of all others. */
  prepend(list: number, copy: number): void {
    this.#insert(list, copy)
  }

  /** Behind all others. */
  append(list: number, copy: number): void {
    this.#insert(this.#cells.get(list, beforeField), copy)
  }

  unlink(copy: number): void {
    const after = this.#cells.get(copy, afterField)
    const before = this.#cells.get(copy, beforeField)
    this.#cells.set(before, afterField, after)
    this.#cells.set(after, beforeField, before)
  }

  #insert(before: number, copy: number): void {
    const after = this.#cells.get(before, afterField)
    this.#cells.set(copy, beforeField, before)
    this.#cells.set(copy, afterField, after)
    this.#cells.set(before, afterField, copy)
    this.#cells.set(after, beforeField, copy)
  }

  #place(copy: number, node: number): void {
    this.#cells.set(copy, nodeField, node)
    this.#cells.set(copy, siblingField, this.#tree.copies(node))
    this.#tree.setCopies(node, copy)
  }

  /** The upper part of a copy that was of both: it goes right after the lower. */
  #addUpper(copy: number, upper: number): void {
    const blocks = this.#tree.length(upper)
    this.setLength(copy, this.length(copy) - blocks)
    const added = this.add(upper, this.slot(copy))
    this.setHolds(added, this.holds(copy))
    this.setFreed(added, this.freed(copy))
    this.#insert(copy, added)
  }

  #remove(copy: number): void {
    const node = this.node(copy)
    const next = this.sibling(copy)
    let before = this.#tree.copies(node)
    if (before === copy) this.#tree.setCopies(node, next)
    else {
      while (this.sibling(before) !== copy) before = this.sibling(before)
      this.#cells.set(before, siblingField, next)
    }
    this.unlink(copy)
    this.#cells.give(copy)
  }

  /** The run is as long as its longest copy, so that no hash outlives the last that holds it. */
  #shorten(node: number): void {
    let longest = 0
    for (let copy = this.#tree.copies(node); copy !== 0; copy = this.sibling(copy)) {
      longest = Math.max(longest, this.length(copy))
    }
    if (longest < this.#tree.length(node)) this.#tree.shorten(node, longest)
  }
}
