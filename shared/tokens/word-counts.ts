import type { Lexicon } from './lexicon.ts'

/**
 * Entries: 4,096 of 32 bytes and a head are 147 KB, for each encoding. Twice as many find more again
 * in text of many scripts, but would take o200k over its 5 MB.
 */
const entryBits = 12
const entryBytes = 32

/** A head: length in bits 0–5, tokens in bits 6–11, and above them the low bits of the hash. */
const fieldBits = 6
const fieldMask = (1 << fieldBits) - 1

function headOf(hash: number, length: number): number {
  return (hash << (2 * fieldBits)) | length
}

/**
 * Token counts of words that are no token as a whole, by their bytes: a text says its own names
 * again and again, and a merge costs as much as five look-ups. Prose, code and JSON take 0.7 of the
 * time without it (corpora of `test/bench/tokens`). Bounded: a word that falls on the entry of
 * another takes its place.
 */
export class WordCounts {
  readonly #bytes = new Uint8Array(entryBytes << entryBits)
  readonly #heads = new Int32Array(1 << entryBits)

  /** Tokens of the piece that `lexicon` was asked for last; 0 where they are not known. */
  find(lexicon: Lexicon, from: number, to: number): number {
    const length = to - from
    if (length > entryBytes) return 0
    const { bytes, lastHash } = lexicon
    const entry = lastHash >>> (32 - entryBits)
    const head = this.#heads[entry] ?? 0
    if ((head & ~(fieldMask << fieldBits)) !== headOf(lastHash, length)) return 0
    const known = this.#bytes
    const delta = entry * entryBytes - from
    for (let at = from; at < to; at++) if (known[at + delta] !== bytes[at]) return 0
    return (head >>> fieldBits) & fieldMask
  }

  /** Takes an entry for the piece that `lexicon` was asked for last; -1 for too long a one. */
  reserve(lexicon: Lexicon, from: number, to: number): number {
    const length = to - from
    if (length > entryBytes) return -1
    const { bytes, lastHash } = lexicon
    const entry = lastHash >>> (32 - entryBits)
    this.#heads[entry] = headOf(lastHash, length)
    const delta = entry * entryBytes - from
    for (let at = from; at < to; at++) this.#bytes[at + delta] = bytes[at] ?? 0
    return entry
  }

  /** Keeps the tokens of the piece that has this entry. */
  keep(entry: number, tokens: number): void {
    if (entry < 0) return
    this.#heads[entry] = (this.#heads[entry] ?? 0) | (tokens << fieldBits)
  }
}
