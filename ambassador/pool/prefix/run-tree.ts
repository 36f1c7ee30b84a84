import { Cells } from './cells.ts'
import type { Chain } from './chain.ts'
import { RunStore } from './run-store.ts'
import { RunTable } from './run-table.ts'

const copiesField = 0
const positionField = 1
const lengthField = 2
const parentField = 3
const childField = 4
const nextField = 5
const previousField = 6
/** Lower half of the first hash, beside the rest so that most probes of the table end here. */
const lowField = 7

/**
 * The prompts that replicas hold, as a tree of runs: a node is a run of consecutive blocks that no
 * prompt leaves in the middle. Nodes are numbers; 0 is none. A node keeps its number when it is
 * split: the part before it becomes a node of its own, so who remembers the last node of a prompt
 * finds the whole prompt upwards from it.
 */
export class RunTree {
  readonly #nodes = new Cells()
  readonly #runs = new RunStore({
    lengthAt: (node, position) =>
      this.#nodes.get(node, positionField) === position ? this.length(node) : 0,
    moved: (node, position) => this.#nodes.set(node, positionField, position),
  })
  readonly #table = new RunTable({
    lowOf: (node) => this.#nodes.get(node, lowField),
    highOf: (node) => this.#runs.high(this.#nodes.get(node, positionField)),
  })

  /** Nodes. */
  get size(): number {
    return this.#nodes.size
  }

  /** Blocks of all runs: each hash once, whoever holds it. */
  get blocks(): number {
    return this.#runs.size
  }

  /** Bytes that the tables take. */
  get bytes(): number {
    return this.#nodes.bytes + this.#runs.bytes + this.#table.bytes
  }

  /** Blocks of the run; 1 or more. */
  length(node: number): number {
    return this.#nodes.get(node, lengthField)
  }

  /** 0 where the run starts the prompt. */
  parent(node: number): number {
    return this.#nodes.get(node, parentField)
  }

  /** Any child; the rest by `next`. */
  child(node: number): number {
    return this.#nodes.get(node, childField)
  }

  /** The next child of the same parent. */
  next(node: number): number {
    return this.#nodes.get(node, nextField)
  }

  /** Where the list of the copies of this run starts: a field that the tree only keeps. */
  copies(node: number): number {
    return this.#nodes.get(node, copiesField)
  }

  setCopies(node: number, copy: number): void {
    this.#nodes.set(node, copiesField, copy)
  }

  /** The run that goes on with block `at` of the chain; 0 where there is none. */
  find(chain: Chain, at: number): number {
    return this.#table.find((chain.low[at] ?? 0) | 0, (chain.high[at] ?? 0) | 0)
  }

  /**
   * How many blocks the run shares with the chain from block `at` on, of which the first is known to
   * be shared. O(log n): hashes are chained, so where one is equal all before it are.
   */
  common(node: number, chain: Chain, at: number): number {
    const position = this.#nodes.get(node, positionField)
    let shared = 1
    let end = Math.min(this.length(node), chain.length - at)
    // Most runs are shared to their end.
    let probe = end
    while (shared < end) {
      if (this.#equals(position + probe - 1, chain, at + probe - 1)) shared = probe
      else end = probe - 1
      probe = (shared + end + 1) >>> 1
    }
    return shared
  }

  /** A node for the chain's blocks from `at`, as many as one run takes. */
  add(parent: number, chain: Chain, at: number): number {
    const length = this.#runs.fit(chain.length - at)
    const node = this.#nodes.take()
    const position = this.#runs.add(chain, at, length)
    this.#runs.own(position, node)
    this.#nodes.set(node, positionField, position)
    this.#nodes.set(node, lengthField, length)
    this.#nodes.set(node, lowField, chain.low[at] ?? 0)
    this.#link(node, parent)
    this.#table.add(node)
    return node
  }

  /** Makes the first `blocks` of the run (fewer than it has) a node of their own: the parent. */
  split(node: number, blocks: number): number {
    const upper = this.#nodes.take()
    const position = this.#nodes.get(node, positionField)
    const parent = this.parent(node)
    this.#table.remove(node)
    this.#unlink(node)
    this.#nodes.set(upper, positionField, position)
    this.#nodes.set(upper, lengthField, blocks)
    this.#nodes.set(upper, lowField, this.#runs.low(position))
    this.#runs.own(position, upper)
    this.#nodes.set(node, positionField, position + blocks)
    this.#nodes.set(node, lengthField, this.length(node) - blocks)
    this.#nodes.set(node, lowField, this.#runs.low(position + blocks))
    this.#runs.own(position + blocks, node)
    this.#link(upper, parent)
    this.#link(node, upper)
    this.#table.add(upper)
    this.#table.add(node)
    return upper
  }

  /**
   * Makes the run of the parent, whose only child this is, the beginning of this run. False where it
   * did not happen, for want of room in one piece.
   */
  join(node: number): boolean {
    const parent = this.parent(node)
    const upper = this.length(parent)
    const lower = this.length(node)
    if (this.#runs.fit(upper + lower) < upper + lower) return false
    const position = this.#runs.take(upper + lower)
    this.#table.remove(node)
    this.#table.remove(parent)
    this.#move(parent, position)
    this.#move(node, position + upper)
    this.#runs.own(position, node)
    this.#nodes.set(node, positionField, position)
    this.#nodes.set(node, lengthField, upper + lower)
    this.#nodes.set(node, lowField, this.#runs.low(position))
    const above = this.parent(parent)
    this.#unlink(parent)
    this.#link(node, above)
    this.#nodes.give(parent)
    this.#table.add(node)
    return true
  }

  /** Drops the end of the run of a node without children: `length` blocks (1 or more) remain. */
  shorten(node: number, length: number): void {
    const before = this.length(node)
    this.#runs.give(this.#nodes.get(node, positionField) + length, before - length)
    this.#nodes.set(node, lengthField, length)
  }

  /** Drops a node without children. */
  remove(node: number): void {
    this.#table.remove(node)
    this.#unlink(node)
    this.#runs.give(this.#nodes.get(node, positionField), this.length(node))
    this.#nodes.give(node)
  }

  /** Writes the hashes of a run to another place and gives up its own. */
  #move(node: number, to: number): void {
    const from = this.#nodes.get(node, positionField)
    const length = this.length(node)
    this.#runs.copy(from, to, length)
    this.#runs.give(from, length)
  }

  #equals(position: number, chain: Chain, at: number): boolean {
    return (
      this.#runs.low(position) === ((chain.low[at] ?? 0) | 0) &&
      this.#runs.high(position) === ((chain.high[at] ?? 0) | 0)
    )
  }

  #link(node: number, parent: number): void {
    this.#nodes.set(node, parentField, parent)
    if (parent === 0) return
    const first = this.child(parent)
    this.#nodes.set(node, nextField, first)
    this.#nodes.set(node, previousField, 0)
    if (first !== 0) this.#nodes.set(first, previousField, node)
    this.#nodes.set(parent, childField, node)
  }

  #unlink(node: number): void {
    const parent = this.parent(node)
    if (parent === 0) return
    const next = this.next(node)
    const previous = this.#nodes.get(node, previousField)
    if (next !== 0) this.#nodes.set(next, previousField, previous)
    if (previous === 0) this.#nodes.set(parent, childField, next)
    else this.#nodes.set(previous, nextField, next)
    this.#nodes.set(node, nextField, 0)
    this.#nodes.set(node, previousField, 0)
  }
}
