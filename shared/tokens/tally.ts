import type { Merge } from './merge.ts'

const firstCapacity = 1_024

/** Tokens as they are found: their number, and where it is asked for their ranks. */
export class Tally {
  count = 0
  readonly keepsRanks: boolean
  #ranks: Uint32Array | undefined

  constructor(keepsRanks: boolean) {
    this.keepsRanks = keepsRanks
    if (keepsRanks) this.#ranks = new Uint32Array(firstCapacity)
  }

  get ranks(): Uint32Array {
    return this.#ranks?.slice(0, this.count) ?? new Uint32Array(0)
  }

  add(rank: number): void {
    if (this.#ranks !== undefined) this.#keep(this.#ranks, rank)
    this.count++
  }

  /** Adds all parts of `merge`. */
  addAll(merge: Merge): void {
    if (this.#ranks === undefined) this.count += merge.count
    else this.addFrom(merge, 0, merge.length)
  }

  /** Adds the parts of `merge` from position `from` up to `to`; both are where parts begin. */
  addFrom(merge: Merge, from: number, to: number): void {
    const { next, ranks } = merge
    for (let at = from; at < to; at = next[at] ?? to) this.add(ranks[at] ?? 0)
  }

  /** Forgets all tokens behind the first `count`. */
  rewind(count: number): void {
    this.count = count
  }

  #keep(ranks: Uint32Array, rank: number): void {
    let room = ranks
    if (this.count === ranks.length) {
      room = new Uint32Array(ranks.length * 2)
      room.set(ranks)
      this.#ranks = room
    }
    room[this.count] = rank
  }
}
