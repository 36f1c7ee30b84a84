import {
  hashBase,
  mixHash,
  noRank,
  rankBits,
  rankMask,
  type Table,
  tagMask,
} from './vocabulary/table.ts'

/** Ranks of byte strings: a {@link Table} and the bytes that are looked up in it. */
export class Lexicon {
  /** The text: what `from` and `to` point into. */
  bytes: Uint8Array
  readonly singles: Int32Array
  readonly pairs: Int32Array
  readonly tokenBytesMax: number
  /** Mixed hash of the bytes that {@link Lexicon.hashed} was asked for last. */
  lastHash = 0
  readonly #slots: Int32Array
  readonly #shift: number
  readonly #offsets: Int32Array
  readonly #blob: Uint8Array

  constructor(table: Table, bytes: Uint8Array) {
    this.bytes = bytes
    this.singles = table.singles
    this.pairs = table.pairs
    this.tokenBytesMax = table.tokenBytesMax
    this.#slots = table.slots
    this.#shift = Math.clz32(table.slots.length - 1)
    this.#offsets = table.offsets
    this.#blob = table.blob
  }

  /** Rank of the bytes from `from` to `to`; {@link noRank} where no token has them. */
  whole(from: number, to: number): number {
    const { bytes } = this
    if (to - from > this.tokenBytesMax) return noRank
    let hash = 0
    for (let at = from; at < to; at++) hash = (Math.imul(hash, hashBase) + (bytes[at] ?? 0)) | 0
    return this.hashed(hash, from, to)
  }

  /** As {@link Lexicon.whole}, where the polynomial hash of the bytes is known. */
  hashed(hash: number, from: number, to: number): number {
    const slots = this.#slots
    const mixed = mixHash(hash, to - from)
    this.lastHash = mixed
    const last = slots.length - 1
    const tag = mixed & tagMask
    let slot = mixed >>> this.#shift
    for (;;) {
      const entry = slots[slot] ?? 0
      if (entry === 0) return noRank
      if (entry >>> rankBits === tag) {
        const rank = (entry & rankMask) - 1
        if (this.#has(rank, from, to)) return rank
      }
      slot = (slot + 1) & last
    }
  }

  /** Whether the token of `rank` is these bytes: a hash is never believed. */
  #has(rank: number, from: number, to: number): boolean {
    const { bytes } = this
    const blob = this.#blob
    const start = this.#offsets[rank] ?? 0
    if ((this.#offsets[rank + 1] ?? 0) - start !== to - from) return false
    const delta = start - from
    for (let at = from; at < to; at++) if (blob[at + delta] !== bytes[at]) return false
    return true
  }
}
