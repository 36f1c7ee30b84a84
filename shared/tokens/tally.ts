/** Most texts that are encoded are short, and 4 KB for each cost more than its tokens. */
const firstCapacity = 64

/** Tokens of an encoded stretch, by the position where each begins. */
export interface Tokens {
  readonly tokens: Int32Array
  /** Where the token that begins at a position ends. */
  readonly next: Int32Array
}

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

  /** Of the token `at`, where ranks are kept. */
  rankAt(at: number): number {
    return this.#ranks?.[at] ?? 0
  }

  add(rank: number): void {
    if (this.#ranks !== undefined) this.#keep(this.#ranks, rank)
    this.count++
  }

  /** Adds all tokens of `merge`. */
  addAll(merge: Tokens & { readonly count: number; readonly length: number }): void {
    if (this.#ranks === undefined) this.count += merge.count
    else this.addFrom(merge, 0, merge.length)
  }

  /** Adds the tokens from position `from` up to `to`; both are where tokens begin. */
  addFrom({ next, tokens }: Tokens, from: number, to: number): void {
    for (let at = from; at < to; at = next[at] ?? to) this.add(tokens[at] ?? 0)
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
