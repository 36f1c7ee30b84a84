// No block carries it: keys are finite numbers.
const noKey = Number.NaN

// A block is a record of 24 bytes: its key, the next block of its chain, and those of the same key.
const words = 6
const nextInChain = 2
const nextSame = 3
const previousSame = 4
// In numbers of 8 bytes, the first of each record.
const numbers = 3

/** Behind the last block of a chain. */
const none = -1

// So many keys that were counted have places beside each other in the table: what is done for all
// blocks of a prompt then costs a cache miss for sixteen of them, not for each.
const groupBits = 5
const groupMask = 2 ** groupBits - 1

/** Mixes both halves of a number of up to 53 bits, so that counted keys spread as well as hashes. */
function slotOf(key: number, mask: number): number {
  const low = key | 0
  const high = (key * 2 ** -32) | 0
  let mixed = Math.imul(low >> groupBits, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return ((mixed ^ (mixed >>> 13)) + (low & groupMask)) & mask
}

/**
 * Which block answers to a key (a whole number): of several with one key (two calls that computed the
 * same at once) the one that was entered first. A hash table whose chains go through the blocks
 * themselves, in typed arrays: a `Map` would box every key over 31 bits at each look-up.
 */
export class KeyedBlocks {
  readonly #mask: number
  /** The first block of each chain. */
  readonly #chains: Int32Array
  readonly #words: Int32Array
  readonly #numbers: Float64Array
  #size = 0

  /** @param count of numbers of blocks, from 0; about half of them are there at a time. */
  constructor(count: number) {
    let slots = 16
    while (slots < count) slots *= 2
    this.#mask = slots - 1
    this.#chains = new Int32Array(slots)
    const buffer = new ArrayBuffer(count * words * 4)
    this.#words = new Int32Array(buffer)
    this.#numbers = new Float64Array(buffer)
    this.clear()
  }

  /** Different keys. */
  get size(): number {
    return this.#size
  }

  /** The block that answers to `key`, or -1. */
  find(key: number): number {
    return this.#findIn(slotOf(key, this.#mask), key)
  }

  /** Gives a key to a block that has none. */
  enter(block: number, key: number): void {
    const all = this.#words
    const at = block * words
    this.#numbers[block * numbers] = key
    const slot = slotOf(key, this.#mask)
    const first = this.#findIn(slot, key)
    if (first >= 0) {
      const last = all[first * words + previousSame] ?? first
      this.#link(last, block)
      this.#link(block, first)
      return
    }
    all[at + nextInChain] = this.#chains[slot] ?? none
    this.#chains[slot] = block
    all[at + nextSame] = block
    all[at + previousSame] = block
    this.#size += 1
  }

  /** Takes its key from a block; does nothing where it has none. */
  leave(block: number): void {
    const all = this.#words
    const at = block * words
    const key = this.#numbers[block * numbers] ?? noKey
    if (Number.isNaN(key)) return
    this.#numbers[block * numbers] = noKey
    const heir = all[at + nextSame] ?? block
    const behind = all[at + nextInChain] ?? none
    if (heir === block) {
      this.#size -= 1
      this.#replace(slotOf(key, this.#mask), block, behind)
      return
    }
    this.#link(all[at + previousSame] ?? block, heir)
    // Only the first of its key is in the chain: its heir takes its place there.
    if (this.#replace(slotOf(key, this.#mask), block, heir)) {
      all[heir * words + nextInChain] = behind
    }
  }

  #findIn(slot: number, key: number): number {
    let block = this.#chains[slot] ?? none
    while (block >= 0 && this.#numbers[block * numbers] !== key) {
      block = this.#words[block * words + nextInChain] ?? none
    }
    return block
  }

  /** Puts `next` where `block` is in a chain; gives whether it is there. */
  #replace(slot: number, block: number, next: number): boolean {
    const all = this.#words
    let there = this.#chains[slot] ?? none
    if (there === block) {
      this.#chains[slot] = next
      return true
    }
    while (there >= 0) {
      const at = there * words + nextInChain
      there = all[at] ?? none
      if (there !== block) continue
      all[at] = next
      return true
    }
    return false
  }

  clear(): void {
    this.#chains.fill(none)
    this.#size = 0
    for (let at = 0; at < this.#numbers.length; at += numbers) this.#numbers[at] = noKey
  }

  /** Two blocks of one key follow each other. */
  #link(block: number, next: number): void {
    this.#words[block * words + nextSame] = next
    this.#words[next * words + previousSame] = block
  }
}
