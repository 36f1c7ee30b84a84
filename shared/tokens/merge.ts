import type { Lexicon } from './lexicon.ts'
import { RankHeap } from './rank-heap.ts'
import { hashBase, noRank } from './vocabulary/table.ts'

/**
 * Up to this many bytes the lowest pair is found by looking at the least of each block of pairs: the
 * arrays are in the first cache, and a heap of the same costs more (measured: even at 96 bytes).
 */
const blocksBytesMax = 96
/** Pairs of a block. Its least is found without a branch: which one it is no processor foresees. */
const blockBits = 3
const blockSize = 1 << blockBits
const blocksMax = blocksBytesMax >>> blockBits

/** A key: rank (18 bits) and below it the position, so that the leftmost of equals is the least. */
const positionBits = 7
const positionMask = (1 << positionBits) - 1

function keyOf(rank: number, position: number): number {
  return rank === noRank ? noRank : (rank << positionBits) | position
}

/** The lesser of two that are not negative. */
function lesser(one: number, other: number): number {
  const difference = (other - one) | 0
  return (one + (difference & (difference >> 31))) | 0
}

function leastOf(keys: Int32Array, block: number): number {
  const at = block << blockBits
  const first = lesser(keys[at] ?? 0, keys[at + 1] ?? 0)
  const second = lesser(keys[at + 2] ?? 0, keys[at + 3] ?? 0)
  const third = lesser(keys[at + 4] ?? 0, keys[at + 5] ?? 0)
  const fourth = lesser(keys[at + 6] ?? 0, keys[at + 7] ?? 0)
  return lesser(lesser(first, second), lesser(third, fourth))
}

/** Bytes of a window at first; it grows where a piece asks for more. */
const firstCapacity = 256

/** Powers of the hash's base, by length in bytes: shared, since the base is one. */
let powers = new Int32Array(0)

function powersUpTo(length: number): Int32Array {
  if (powers.length > length) return powers
  powers = new Int32Array(length + 1)
  let power = 1
  for (let at = 0; at <= length; at++) {
    powers[at] = power
    power = Math.imul(power, hashBase)
  }
  return powers
}

/**
 * Byte pair encoding of one stretch of text: from single bytes on, the neighbours whose bytes
 * together have the lowest rank become one part, the leftmost first among equals, until no two
 * neighbours are a token. The parts stay readable until the next merge. Allocates only to grow.
 *
 * `SymbolMerge` is the same loop over other pairs. With one class below both, a process that counts
 * by both kinds of vocabulary takes 10 to 20 % longer (measured): a pair is looked up in every
 * turn of the loop, and V8 has to tell whose.
 */
export class Merge {
  /** Where the stretch begins in the text. Positions below count from here. */
  base = 0
  /** Bytes of the stretch. */
  length = 0
  /** Tokens of the stretch. */
  count = 0
  /** Where its last part begins. */
  last = 0
  /** Where the part that begins at a position ends. */
  next = new Int32Array(firstCapacity)
  /** Where the part before the one that begins at a position begins. */
  previous = new Int32Array(firstCapacity)
  /** Rank of the part that begins at a position. */
  tokens = new Int32Array(firstCapacity)
  /** Rank of that part and the next one together, or {@link noRank}. */
  #pairs = new Int32Array(firstCapacity)
  /** Hash of all bytes before a position. */
  #hashes = new Int32Array(firstCapacity)
  /** The least key in each block of `#pairs`, which has keys while a short stretch is merged. */
  readonly #least = new Int32Array(blocksMax)
  readonly #heap = new RankHeap()
  readonly #lexicon: Lexicon
  readonly #powers: Int32Array

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon
    this.#powers = powersUpTo(lexicon.tokenBytesMax)
  }

  /** Encodes the bytes from `from` to `to`: O(n log n), quadratic in small stretches. */
  run(from: number, to: number): void {
    this.base = from
    this.length = to - from
    this.count = this.length
    this.last = this.length - 1
    if (this.next.length <= this.length) this.#grow()
    this.#begin()
    if (this.length <= blocksBytesMax) this.#mergeByBlocks()
    else this.#mergeByHeap()
  }

  /**
   * Whether the bytes from `from` to `to` are those of the stretch at hand, which is still in the
   * text: then its encoding becomes theirs.
   */
  slide(from: number, to: number): boolean {
    const { base, length } = this
    const { bytes } = this.#lexicon
    if (to - from !== length) return false
    for (let at = 0; at < length; at++) if (bytes[base + at] !== bytes[from + at]) return false
    this.base = from
    return true
  }

  /** The text is about to change. */
  forget(): void {
    this.length = 0
  }

  #grow(): void {
    const capacity = 2 ** Math.ceil(Math.log2(this.length + 1))
    this.next = new Int32Array(capacity)
    this.previous = new Int32Array(capacity)
    this.tokens = new Int32Array(capacity)
    this.#pairs = new Int32Array(capacity)
    this.#hashes = new Int32Array(capacity)
  }

  /** Every byte is a part. */
  #begin(): void {
    const { base, length, next, previous, tokens } = this
    const pairs = this.#pairs
    const hashes = this.#hashes
    const { bytes, singles, pairs: pairRanks } = this.#lexicon
    let hash = 0
    let byte = bytes[base] ?? 0
    for (let at = 0; at < length; at++) {
      const following = bytes[base + at + 1] ?? 0
      hashes[at] = hash
      hash = (Math.imul(hash, hashBase) + byte) | 0
      next[at] = at + 1
      previous[at] = at - 1
      tokens[at] = singles[byte] ?? noRank
      pairs[at] = pairRanks[(byte << 8) | following] ?? noRank
      byte = following
    }
    hashes[length] = hash
    // The last byte has no neighbour inside the stretch.
    pairs[length - 1] = noRank
  }

  /** Keeps the least key of every block, so that a merge looks at those and what it changed. */
  #mergeByBlocks(): void {
    const keys = this.#pairs
    const least = this.#least
    const { next, previous } = this
    const blocks = (this.length + blockSize - 1) >>> blockBits
    for (let at = 0; at < this.length; at++) keys[at] = keyOf(keys[at] ?? noRank, at)
    keys.fill(noRank, this.length, blocks << blockBits)
    for (let block = 0; block < blocks; block++) least[block] = leastOf(keys, block)
    for (;;) {
      let key = noRank
      for (let block = 0; block < blocks; block++) key = lesser(key, least[block] ?? noRank)
      if (key === noRank) return
      const at = key & positionMask
      const before = previous[at] ?? -1
      const middle = next[at] ?? 0
      keys[at] = key >>> positionBits
      this.#join(at)
      keys[at] = keyOf(keys[at] ?? noRank, at)
      if (before >= 0) keys[before] = keyOf(keys[before] ?? noRank, before)
      this.#refresh(at, middle, before)
    }
  }

  /** The blocks of these three positions have changed; the last one is -1 for none. */
  #refresh(at: number, middle: number, before: number): void {
    const keys = this.#pairs
    const least = this.#least
    const own = at >>> blockBits
    least[own] = leastOf(keys, own)
    const right = middle >>> blockBits
    if (right !== own) least[right] = leastOf(keys, right)
    const left = before >> blockBits
    if (before >= 0 && left !== own) least[left] = leastOf(keys, left)
  }

  #mergeByHeap(): void {
    const pairs = this.#pairs
    const { length } = this
    const heap = this.#heap
    heap.fill(pairs, length)
    for (let at = heap.pop(); at >= 0; at = heap.pop()) {
      // An entry whose pair has changed since: the position has another one or none.
      if (pairs[at] !== heap.poppedRank) continue
      this.#join(at)
      const rank = pairs[at] ?? noRank
      if (rank !== noRank) heap.push(rank, at)
      const before = this.previous[at] ?? -1
      if (before < 0) continue
      const rankBefore = pairs[before] ?? noRank
      if (rankBefore !== noRank) heap.push(rankBefore, before)
    }
  }

  /** Makes one part of that at `at` and the next. */
  #join(at: number): void {
    const { next, previous } = this
    const pairs = this.#pairs
    const middle = next[at] ?? 0
    const end = next[middle] ?? 0
    this.tokens[at] = pairs[at] ?? noRank
    this.count--
    next[at] = end
    pairs[middle] = noRank
    if (end < this.length) {
      previous[end] = at
      pairs[at] = this.#rank(at, next[end] ?? 0)
    } else {
      this.last = at
      pairs[at] = noRank
    }
    const before = previous[at] ?? -1
    if (before >= 0) pairs[before] = this.#rank(before, end)
  }

  #rank(from: number, to: number): number {
    const lexicon = this.#lexicon
    const length = to - from
    if (length > lexicon.tokenBytesMax) return noRank
    const hashes = this.#hashes
    const shifted = Math.imul(hashes[from] ?? 0, this.#powers[length] ?? 0)
    const hash = ((hashes[to] ?? 0) - shifted) | 0
    return lexicon.hashed(hash, this.base + from, this.base + to)
  }
}
