import { RankHeap } from '../rank-heap.ts'
import { noRank } from '../vocabulary/table.ts'
import type { Merges } from './model.ts'

/** Up to this many symbols the lowest pair is found by looking at all: cheaper than a heap. */
const scanMax = 96
const firstCapacity = 256

/**
 * Byte pair encoding of a stretch of symbols: of all neighbours that are a pair of the file, those
 * of the lowest rank become one token, the leftmost first among equals, until none are left. As
 * `Word::merge_all` of huggingface/tokenizers. Allocates only to grow.
 */
export class SymbolMerge {
  /** Where the stretch begins. Positions below count from here. */
  base = 0
  /** Symbols of the stretch. */
  length = 0
  /** Tokens of the stretch. */
  count = 0
  /** Where its last token begins. */
  last = 0
  /** Where the token that begins at a position ends. */
  next = new Int32Array(firstCapacity)
  /** Where the token before the one at a position begins. */
  previous = new Int32Array(firstCapacity)
  /** Id of the token that begins at a position. */
  tokens = new Int32Array(firstCapacity)
  /** Rank of that token and the next one together, or {@link noRank}. */
  #ranks = new Int32Array(firstCapacity)
  readonly #heap = new RankHeap()
  readonly #merges: Merges
  #symbols: Int32Array = new Int32Array(0)

  constructor(merges: Merges) {
    this.#merges = merges
  }

  /** What stretches are of, until it is given anew. */
  use(symbols: Int32Array): void {
    this.#symbols = symbols
  }

  /** Encodes the symbols from `from` to `to`: O(n log n), quadratic in small stretches. */
  run(from: number, to: number): void {
    this.base = from
    this.length = to - from
    this.count = this.length
    this.last = this.length - 1
    if (this.next.length <= this.length) this.#grow()
    this.#begin()
    if (this.length <= scanMax) this.#mergeByScan()
    else this.#mergeByHeap()
  }

  /** As that of `Merge`. */
  slide(from: number, to: number): boolean {
    const { base, length } = this
    const symbols = this.#symbols
    if (to - from !== length) return false
    for (let at = 0; at < length; at++) if (symbols[base + at] !== symbols[from + at]) return false
    this.base = from
    return true
  }

  /** The symbols are about to change. */
  forget(): void {
    this.length = 0
  }

  #grow(): void {
    const capacity = 2 ** Math.ceil(Math.log2(this.length + 1))
    this.next = new Int32Array(capacity)
    this.previous = new Int32Array(capacity)
    this.tokens = new Int32Array(capacity)
    this.#ranks = new Int32Array(capacity)
  }

  #begin(): void {
    const { base, length, next, previous, tokens } = this
    const symbols = this.#symbols
    const ranks = this.#ranks
    let id = symbols[base] ?? 0
    for (let at = 0; at < length; at++) {
      const following = symbols[base + at + 1] ?? 0
      tokens[at] = id
      next[at] = at + 1
      previous[at] = at - 1
      ranks[at] = at + 1 < length ? this.#rank(id, following) : noRank
      id = following
    }
  }

  #rank(left: number, right: number): number {
    return this.#merges.pairs.find(left, right)
  }

  #mergeByScan(): void {
    const ranks = this.#ranks
    const { length } = this
    for (;;) {
      let lowest = noRank
      let found = 0
      for (let at = 0; at < length; at++) {
        const rank = ranks[at] ?? noRank
        if (rank < lowest) {
          lowest = rank
          found = at
        }
      }
      if (lowest === noRank) return
      this.#join(found)
    }
  }

  #mergeByHeap(): void {
    const ranks = this.#ranks
    const heap = this.#heap
    heap.fill(ranks, this.length)
    for (let at = heap.pop(); at >= 0; at = heap.pop()) {
      // An entry whose pair has changed since: the position has another one or none.
      if (ranks[at] !== heap.poppedRank) continue
      this.#join(at)
      const rank = ranks[at] ?? noRank
      if (rank !== noRank) heap.push(rank, at)
      const before = this.previous[at] ?? -1
      if (before < 0) continue
      const rankBefore = ranks[before] ?? noRank
      if (rankBefore !== noRank) heap.push(rankBefore, before)
    }
  }

  /** Makes one token of that at `at` and the next. */
  #join(at: number): void {
    const { next, previous, tokens } = this
    const ranks = this.#ranks
    const middle = next[at] ?? 0
    const end = next[middle] ?? 0
    const id = this.#merges.merged[ranks[at] ?? 0] ?? 0
    tokens[at] = id
    this.count--
    next[at] = end
    ranks[middle] = noRank
    if (end < this.length) {
      previous[end] = at
      ranks[at] = this.#rank(id, tokens[end] ?? 0)
    } else {
      this.last = at
      ranks[at] = noRank
    }
    const before = previous[at] ?? -1
    if (before >= 0) ranks[before] = this.#rank(tokens[before] ?? 0, id)
  }
}
