import { hashBase, mixHash } from '../vocabulary/table.ts'

/**
 * Pairs of whole numbers, numbered in the order they come: merges (left and right token → rank) and
 * edges of a trie. Open addressing; a slot is the number + 1 in its low bits and bits of the hash
 * above, so that a miss seldom reads more than the slot. 12 to 16 bytes a pair.
 */
export class PairTable {
  count = 0
  readonly #slots: Int32Array
  readonly #last: number
  readonly #shift: number
  readonly #bits: number
  readonly #mask: number
  readonly #lefts: Int32Array
  readonly #rights: Int32Array

  /** @param capacity pairs at most, below 2^24. */
  constructor(capacity: number) {
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(capacity, 8) * 1.6))
    this.#slots = new Int32Array(slotCount)
    this.#last = slotCount - 1
    this.#shift = Math.clz32(this.#last)
    this.#bits = 32 - Math.clz32(capacity + 1)
    this.#mask = 2 ** this.#bits - 1
    this.#lefts = new Int32Array(capacity)
    this.#rights = new Int32Array(capacity)
  }

  /** Number of a pair; -1 where it is none of the table. */
  find(left: number, right: number): number {
    const mixed = hashOf(left, right)
    const entry = this.#slots[this.#slot(mixed, left, right)] ?? 0
    return (entry & this.#mask) - 1
  }

  /** Gives a pair the next number, also where it has one: of equal pairs the last one counts. */
  put(left: number, right: number): number {
    const mixed = hashOf(left, right)
    const slot = this.#slot(mixed, left, right)
    const number = this.count++
    this.#lefts[number] = left
    this.#rights[number] = right
    this.#slots[slot] = (mixed << this.#bits) | (number + 1)
    return number
  }

  /** The slot of a pair, or the empty one where it would be. */
  #slot(mixed: number, left: number, right: number): number {
    const slots = this.#slots
    const bits = this.#bits
    const tag = (mixed << bits) >>> bits
    let slot = mixed >>> this.#shift
    for (;;) {
      const entry = slots[slot] ?? 0
      if (entry === 0) return slot
      if (entry >>> bits === tag) {
        const number = (entry & this.#mask) - 1
        if (this.#lefts[number] === left && this.#rights[number] === right) return slot
      }
      slot = (slot + 1) & this.#last
    }
  }
}

function hashOf(left: number, right: number): number {
  return mixHash((Math.imul(left, hashBase) + right) | 0, 0)
}
