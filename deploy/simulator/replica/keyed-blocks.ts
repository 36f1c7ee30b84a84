// Keys that were counted come one after the other: so many of them that follow each other are found by
// one look into the hash table.
const groupBits = 5
const groupSize = 2 ** groupBits
const groupMask = groupSize - 1

/** Of a block: it carries no key. Below it: others carry the same one. */
const noPlace = -1
/** At a place: no block answers. Others are one more than the block, for that memory is 0 at first. */
const nobody = 0
/** Behind the last group of a chain. */
const none = -1
/** No group has it: those of keys are finite. */
const noGroup = Number.NaN

/** Mixes both halves of a number of up to 53 bits, so that counted groups spread as well as hashes. */
function mixed(group: number): number {
  const high = Math.imul((group * 2 ** -32) | 0, 0x85ebca6b)
  let hash = Math.imul((group | 0) ^ high, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

/** Keys of a sequence's blocks: whole numbers. */
export type Keys = Float64Array | readonly number[]

/** Blocks `from` up to, without, `to` of a sequence, whose first key is that of block `keyed`. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly keyed: number
}

/**
 * Which block answers to a key (a whole number): of several with one key (two calls that computed the
 * same at once) the one that was entered first. Each key has a place in the group of those next to it;
 * groups with any are in a hash table. A block knows its place, so it leaves without a look-up. All
 * in typed arrays: a `Map` would box every key over 31 bits at each look-up.
 */
export class KeyedBlocks {
  /** The place of each block's key. */
  readonly #placeOf: Int32Array
  /** Who answers at each place, plus one. */
  readonly #answers: Int32Array
  /** All blocks of a key that has several, in the order in which they got it, by place. */
  readonly #rivals = new Map<number, number[]>()
  // The groups: what they are of, how many of their keys have blocks, and the next in the chain.
  readonly #groups: Float64Array
  readonly #present: Uint8Array
  readonly #behind: Int32Array
  readonly #chains: Int32Array
  /** Groups that are of nothing, `#emptyCount` of them. */
  readonly #empty: Int32Array
  #emptyCount = 0
  /** The group of the last look-up, which is that of the next one most of the time. */
  #lastGroup = noGroup
  #last = none
  #size = 0

  /** @param count of numbers of blocks, from 0; about half of them are there at a time. */
  constructor(count: number) {
    let slots = 16
    while (slots < count) slots *= 2
    this.#placeOf = new Int32Array(count)
    this.#answers = new Int32Array(count * groupSize)
    this.#groups = new Float64Array(count)
    this.#present = new Uint8Array(count)
    this.#behind = new Int32Array(count)
    this.#chains = new Int32Array(slots)
    this.#empty = new Int32Array(count)
    this.clear()
  }

  /** Different keys. */
  get size(): number {
    return this.#size
  }

  /** The block that answers to `key`, or -1. */
  find(key: number): number {
    const at = this.#find(Math.floor(key / groupSize))
    if (at < 0) return -1
    return (this.#answers[(at << groupBits) + (key & groupMask)] ?? nobody) - 1
  }

  /** Writes who answers to the keys of a span into it; gives where it ends or the first is not found. */
  findAll(blocks: Int32Array, keys: Keys, { from, to, keyed }: Span): number {
    const answers = this.#answers
    let group = noGroup
    let at = none
    for (let index = from; index < to; index += 1) {
      const key = keys[index - keyed] ?? 0
      const next = Math.floor(key / groupSize)
      if (next !== group) at = this.#find(next)
      group = next
      if (at < 0) return index
      const answer = answers[(at << groupBits) + (key & groupMask)] ?? nobody
      if (answer === nobody) return index
      blocks[index] = answer - 1
    }
    return to
  }

  /** Gives the blocks of a span, which have none, their keys. */
  enter(blocks: Int32Array, keys: Keys, { from, to, keyed }: Span): void {
    const answers = this.#answers
    const placeOf = this.#placeOf
    let group = noGroup
    let at = none
    let entered = 0
    for (let index = from; index < to; index += 1) {
      const block = blocks[index] ?? 0
      const key = keys[index - keyed] ?? 0
      const next = Math.floor(key / groupSize)
      if (next !== group) {
        this.#count(at, entered)
        entered = 0
        group = next
        at = this.#find(group)
        if (at < 0) at = this.#open(group)
      }
      const place = (at << groupBits) + (key & groupMask)
      const there = answers[place] ?? nobody
      if (there === nobody) {
        answers[place] = block + 1
        placeOf[block] = place
        entered += 1
      } else this.#share(place, there - 1, block)
    }
    this.#count(at, entered)
  }

  /** Takes their keys from blocks `from` up to, without, `to`; from those without one nothing. */
  leave(blocks: Int32Array, from: number, to: number): void {
    const answers = this.#answers
    const placeOf = this.#placeOf
    let at = none
    let left = 0
    for (let index = from; index < to; index += 1) {
      const block = blocks[index] ?? 0
      const place = placeOf[block] ?? noPlace
      if (place === noPlace) continue
      placeOf[block] = noPlace
      if (place < noPlace) {
        this.#unshare(block, noPlace - 1 - place)
        continue
      }
      answers[place] = nobody
      if (place >> groupBits !== at) {
        this.#count(at, -left)
        left = 0
        at = place >> groupBits
      }
      left += 1
    }
    this.#count(at, -left)
  }

  clear(): void {
    this.#placeOf.fill(noPlace)
    this.#chains.fill(none)
    this.#rivals.clear()
    this.#size = 0
    this.#lastGroup = noGroup
    // Groups that were of nothing have no one at their places.
    for (let at = 0; at < this.#present.length; at += 1) {
      if ((this.#present[at] ?? 0) > 0) {
        this.#answers.fill(nobody, at << groupBits, (at + 1) << groupBits)
      }
      this.#present[at] = 0
      this.#empty[at] = this.#present.length - 1 - at
    }
    this.#emptyCount = this.#present.length
  }

  /** So many keys of the group at `at` have come, or gone. */
  #count(at: number, change: number): void {
    if (change === 0) return
    const present = (this.#present[at] ?? 0) + change
    this.#present[at] = present
    this.#size += change
    if (present === 0) this.#close(at)
  }

  /** Where `group` is, or -1. */
  #find(group: number): number {
    if (group === this.#lastGroup) return this.#last
    let at = this.#chains[mixed(group) & (this.#chains.length - 1)] ?? none
    while (at >= 0 && this.#groups[at] !== group) at = this.#behind[at] ?? none
    if (at >= 0) {
      this.#lastGroup = group
      this.#last = at
    }
    return at
  }

  /** A place for a group that is not there: there is one, for each that is there has a block. */
  #open(group: number): number {
    this.#emptyCount -= 1
    const at = this.#empty[this.#emptyCount] ?? 0
    const slot = mixed(group) & (this.#chains.length - 1)
    this.#groups[at] = group
    this.#behind[at] = this.#chains[slot] ?? none
    this.#chains[slot] = at
    this.#lastGroup = group
    this.#last = at
    return at
  }

  #close(at: number): void {
    if (at === this.#last) this.#lastGroup = noGroup
    this.#empty[this.#emptyCount] = at
    this.#emptyCount += 1
    const slot = mixed(this.#groups[at] ?? 0) & (this.#chains.length - 1)
    const next = this.#behind[at] ?? none
    let there = this.#chains[slot] ?? none
    if (there === at) {
      this.#chains[slot] = next
      return
    }
    while (there >= 0 && this.#behind[there] !== at) there = this.#behind[there] ?? none
    if (there >= 0) this.#behind[there] = next
  }

  /** One more block where `first` answers. */
  #share(place: number, first: number, block: number): void {
    const all = this.#rivals.get(place)
    if (all === undefined) this.#rivals.set(place, [first, block])
    else all.push(block)
    this.#placeOf[first] = noPlace - 1 - place
    this.#placeOf[block] = noPlace - 1 - place
  }

  /** Takes a block from among several; the next of them answers. */
  #unshare(block: number, place: number): void {
    const all = this.#rivals.get(place) ?? []
    all.splice(all.indexOf(block), 1)
    const [first = 0] = all
    this.#answers[place] = first + 1
    if (all.length > 1) return
    this.#rivals.delete(place)
    this.#placeOf[first] = place
  }
}
