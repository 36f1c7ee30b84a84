import { KeyTable } from './key-table.ts'

// No block carries it: keys are finite numbers.
const noKey = Number.NaN

// A block is a record of 32 bytes: one cache line at most for all that is known of it, where an array
// for each field would cost a cache miss each.
const words = 8
const holders = 0
// The free queue: a ring through all free blocks, with one record more as its fixed head.
const next = 1
const previous = 2
// Blocks of one key: a ring, of which the table holds the first.
const nextSame = 3
const previousSame = 4
// In numbers of 8 bytes, the last of each record.
const numbers = 4
const keyAt = 3

/**
 * The KV blocks of one engine, as vLLM's `BlockPool` keeps them: blocks that live calls hold (with a
 * count of holders), and a queue of free ones, oldest first, which still answer to their key until
 * they are taken for something else. A key may have several blocks (two calls that computed the same
 * at once); the first of them answers. All in typed arrays, nothing is made per block.
 */
export class BlockPool {
  readonly size: number
  readonly #words: Int32Array
  readonly #numbers: Float64Array
  readonly #table: KeyTable
  #free: number

  constructor(size: number) {
    this.size = size
    const buffer = new ArrayBuffer((size + 1) * words * 4)
    this.#words = new Int32Array(buffer)
    this.#numbers = new Float64Array(buffer)
    this.#table = new KeyTable(size)
    this.#free = size
    this.clear()
  }

  /** Blocks that no live call holds, cached ones included. */
  get free(): number {
    return this.#free
  }

  get used(): number {
    return this.size - this.#free
  }

  /** Different keys that would be found. */
  get cachedKeys(): number {
    return this.#table.size
  }

  /** The first block that carries `key`, or -1. */
  find(key: number): number {
    return this.#table.get(key)
  }

  /** How many calls hold `block`; 0: it is free. */
  holders(block: number): number {
    return this.#words[block * words + holders] ?? 0
  }

  /** One more holder of a block that was found. */
  hold(block: number): void {
    const count = this.#words[block * words + holders] ?? 0
    if (count === 0) this.#unlink(block)
    this.#words[block * words + holders] = count + 1
  }

  /** The free block that was freed longest ago, without its key; -1 where none is free. */
  take(): number {
    if (this.#free === 0) return -1
    const block = this.#words[this.size * words + next] ?? 0
    this.#unlink(block)
    this.#forget(block)
    this.#words[block * words + holders] = 1
    return block
  }

  /** One holder less; the last one puts the block at the young end of the free queue. */
  release(block: number): void {
    const all = this.#words
    const at = block * words
    const count = (all[at + holders] ?? 0) - 1
    all[at + holders] = count
    if (count > 0) return
    const head = this.size * words
    const last = all[head + previous] ?? 0
    all[last * words + next] = block
    all[at + previous] = last
    all[at + next] = this.size
    all[head + previous] = block
    this.#free += 1
  }

  /** From here on `block`, which is held and has no key yet, answers to `key`. */
  name(block: number, key: number): void {
    const all = this.#words
    const at = block * words
    this.#numbers[block * numbers + keyAt] = key
    const first = this.#table.claim(key, block)
    if (first < 0) {
      all[at + nextSame] = block
      all[at + previousSame] = block
      return
    }
    const last = all[first * words + previousSame] ?? first
    all[last * words + nextSame] = block
    all[at + previousSame] = last
    all[at + nextSame] = first
    all[first * words + previousSame] = block
  }

  /** All blocks free and nameless, as at the start. */
  clear(): void {
    this.#table.clear()
    for (let block = 0; block <= this.size; block += 1) {
      const at = block * words
      this.#words[at + holders] = 0
      this.#words[at + next] = block === this.size ? 0 : block + 1
      this.#words[at + previous] = block === 0 ? this.size : block - 1
      this.#numbers[block * numbers + keyAt] = noKey
    }
    this.#free = this.size
  }

  #unlink(block: number): void {
    const all = this.#words
    const after = all[block * words + next] ?? 0
    const before = all[block * words + previous] ?? 0
    all[before * words + next] = after
    all[after * words + previous] = before
    this.#free -= 1
  }

  #forget(block: number): void {
    const key = this.#numbers[block * numbers + keyAt] ?? noKey
    if (Number.isNaN(key)) return
    const all = this.#words
    this.#numbers[block * numbers + keyAt] = noKey
    const after = all[block * words + nextSame] ?? block
    if (after === block) {
      this.#table.delete(key)
      return
    }
    const before = all[block * words + previousSame] ?? block
    all[before * words + nextSame] = after
    all[after * words + previousSame] = before
    if (this.#table.get(key) === block) this.#table.move(key, after)
  }
}
