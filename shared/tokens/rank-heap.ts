import { noRank } from './vocabulary/table.ts'

/** Above every position: a key is rank × this + position, below 2^53 and so exact in a double. */
const positionsMax = 2 ** 30

/** Positions of pairs, lowest rank first and leftmost first among equals: a binary heap. */
export class RankHeap {
  /** Rank that the latest position was entered with. */
  poppedRank = noRank
  #keys = new Float64Array(0)
  #size = 0

  /** Takes all positions below `length` whose entry in `ranks` is a rank. O(n). */
  fill(ranks: Int32Array, length: number): void {
    // Each merge takes one entry out and puts two in at most.
    if (this.#keys.length < length * 2) this.#keys = new Float64Array(length * 2)
    const keys = this.#keys
    let size = 0
    for (let at = 0; at < length; at++) {
      const rank = ranks[at] ?? noRank
      if (rank !== noRank) keys[size++] = rank * positionsMax + at
    }
    this.#size = size
    for (let at = (size >>> 1) - 1; at >= 0; at--) this.#sink(at, keys[at] ?? 0)
  }

  push(rank: number, position: number): void {
    const keys = this.#keys
    const key = rank * positionsMax + position
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = keys[parent] ?? 0
      if (above <= key) break
      keys[at] = above
      at = parent
    }
    keys[at] = key
  }

  /** The first position, and its rank in `poppedRank`; -1 when none is left. */
  pop(): number {
    if (this.#size === 0) return -1
    const keys = this.#keys
    const key = keys[0] ?? 0
    this.#size--
    if (this.#size > 0) this.#sink(0, keys[this.#size] ?? 0)
    this.poppedRank = Math.floor(key / positionsMax)
    return key - this.poppedRank * positionsMax
  }

  /** Puts `key` at `from` or below, where it is not above its children. */
  #sink(from: number, key: number): void {
    const keys = this.#keys
    const size = this.#size
    let at = from
    for (;;) {
      let child = at * 2 + 1
      if (child >= size) break
      if (child + 1 < size && (keys[child + 1] ?? 0) < (keys[child] ?? 0)) child++
      const below = keys[child] ?? 0
      if (below >= key) break
      keys[at] = below
      at = child
    }
    keys[at] = key
  }
}
