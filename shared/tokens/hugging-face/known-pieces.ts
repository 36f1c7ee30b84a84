import type { Tally } from '../tally.ts'
import { hashBase, mixHash } from '../vocabulary/table.ts'

/** 8,192 entries of 96 bytes: 786 KB. Code and prose of 100 KB have 3,300 pieces. */
const entryBits = 13
const entryWords = 24
/** The first word of an entry: how many code units, and above them how many ids. 0: it is empty. */
const lengthBits = 8
const lengthMask = 2 ** lengthBits - 1
/** Behind it the ids, then the code units, two in a word. */
const idsMax = 7
const firstUnit = 16
const unitsMax = 32

/**
 * Ids of pieces by their code units: a text says its words again and again, and one that is known is
 * neither cut out, nor written as bytes, nor looked up, nor merged. For pieces that have their ids
 * whatever stands around them, up to 32 code units and 7 ids. Bounded: a piece that falls on the entry
 * of another takes its place.
 */
export class KnownPieces {
  readonly #words = new Int32Array(entryWords << entryBits)
  readonly #units = new Uint16Array(this.#words.buffer)
  /** Where the entry is of the piece that was found last. */
  #found = 0

  /** Whether the ids of the piece of `text` from `from` to `to` are known. */
  find(text: string, from: number, to: number): boolean {
    const length = to - from
    if (length > unitsMax) return false
    const entry = entryOf(text, from, to)
    const head = this.#words[entry] ?? 0
    if ((head & lengthMask) !== length) return false
    const units = this.#units
    const shift = entry * 2 + firstUnit - from
    for (let at = from; at < to; at++) {
      if (units[at + shift] !== text.charCodeAt(at)) return false
    }
    this.#found = entry
    return true
  }

  /** Adds the ids of the piece that was found last. */
  addTo(tally: Tally): void {
    const entry = this.#found
    const last = entry + ((this.#words[entry] ?? 0) >>> lengthBits)
    for (let at = entry + 1; at <= last; at++) tally.add(this.#words[at] ?? 0)
  }

  /** Keeps what `tally` got for `piece`: all ids behind the first `count`. */
  keep(piece: string, tally: Tally, count: number): void {
    const { length } = piece
    const ids = tally.count - count
    if (length > unitsMax || ids > idsMax) return
    const entry = entryOf(piece, 0, length)
    this.#words[entry] = length | (ids << lengthBits)
    for (let at = 0; at < ids; at++) this.#words[entry + 1 + at] = tally.rankAt(count + at)
    const unit = entry * 2 + firstUnit
    for (let at = 0; at < length; at++) this.#units[unit + at] = piece.charCodeAt(at)
  }
}

/** The first word of the entry on which the text from `from` to `to` falls. */
function entryOf(text: string, from: number, to: number): number {
  let hash = 0
  for (let at = from; at < to; at++) hash = (Math.imul(hash, hashBase) + text.charCodeAt(at)) | 0
  return (mixHash(hash, to - from) >>> (32 - entryBits)) * entryWords
}
