import { byteOf } from './byte-alphabet.ts'
import type { TokenizerTable } from './table.ts'

/** Code units that become symbols at once. */
export const unitsAtOnce = 16_384

const encoder = new TextEncoder()

/** What of a table makes symbols of text. */
type Parts = Pick<
  TokenizerTable,
  'alphabet' | 'singles' | 'astral' | 'fallback' | 'unknown' | 'fusesUnknown'
>

/** Text as the model's first ids: of its bytes or characters, before any merge. */
export class Symbols {
  ids = new Int32Array(1_024)
  count = 0
  /** UTF-8 of the latest text, where the alphabet is bytes or the text was looked up whole. */
  readonly bytes = new Uint8Array(unitsAtOnce * 3)
  readonly #model: Parts
  readonly #isWritten: boolean
  /** Whether an unknown token waits for more of the same. */
  #isUnknown = false

  /** @param isWritten whether text has the characters of the byte alphabet in place of bytes. */
  constructor(model: Parts, isWritten: boolean) {
    this.#model = model
    this.#isWritten = isWritten
  }

  clear(): void {
    this.count = 0
    this.#isUnknown = false
  }

  /** UTF-8 of `text`, of {@link unitsAtOnce} at most, into `bytes`. Gives its length. */
  encode(text: string): number {
    const { bytes } = this
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      const byte = this.#isWritten ? byteOf(unit) : unit
      if (!this.#isWritten && unit >= 0x80) return encoder.encodeInto(text, bytes).written
      bytes[at] = byte
    }
    return text.length
  }

  /** Adds `text` of {@link unitsAtOnce} at most. */
  add(text: string): void {
    if (this.#model.alphabet === 'bytes') this.addBytes(this.encode(text))
    else this.addCharacters(text)
  }

  /** Adds the first `length` of `bytes`. */
  addBytes(length: number): void {
    this.#reserve(length)
    const { bytes } = this
    const { singles } = this.#model
    for (let at = 0; at < length; at++) {
      const id = singles[bytes[at] ?? 0] ?? -1
      if (id >= 0) this.#known(id)
      else this.#unknown()
    }
  }

  addCharacters(text: string): void {
    // A character may become four bytes, and is two code units then: two for each is enough.
    this.#reserve(text.length * 3)
    const { singles } = this.#model
    for (let at = 0; at < text.length; at++) {
      const point = text.codePointAt(at) ?? 0
      if (point > 0xffff) at++
      const id = point > 0xffff ? this.#astral(point) : (singles[point] ?? -1)
      if (id >= 0) this.#known(id)
      else if (!this.#fallBack(point)) this.#unknown()
    }
  }

  /** Adds what waits. */
  finish(): void {
    if (this.#isUnknown) this.#push(this.#model.unknown)
    this.#isUnknown = false
  }

  #known(id: number): void {
    if (this.#isUnknown) this.finish()
    this.#push(id)
  }

  #unknown(): void {
    const { unknown, fusesUnknown } = this.#model
    if (unknown < 0) return
    if (this.#isUnknown && !fusesUnknown) this.#push(unknown)
    this.#isUnknown = true
  }

  /** Id of a code point above U+FFFF; -1 for none. */
  #astral(point: number): number {
    const { astral } = this.#model
    let low = 0
    let high = astral.length >>> 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((astral[middle * 2] ?? 0) < point) low = middle + 1
      else high = middle
    }
    return astral[low * 2] === point ? (astral[low * 2 + 1] ?? -1) : -1
  }

  /** Byte tokens of a character, where all of them exist. An unknown one still waits, as there. */
  #fallBack(point: number): boolean {
    const { fallback } = this.#model
    if (fallback.length === 0) return false
    const { written } = encoder.encodeInto(String.fromCodePoint(point), this.bytes)
    for (let at = 0; at < written; at++) {
      if ((fallback[this.bytes[at] ?? 0] ?? -1) < 0) return false
    }
    for (let at = 0; at < written; at++) this.#push(fallback[this.bytes[at] ?? 0] ?? 0)
    return true
  }

  #push(id: number): void {
    this.ids[this.count++] = id
  }

  /** Room for `more`, and one that waits. */
  #reserve(more: number): void {
    const needed = this.count + more + 1
    if (needed <= this.ids.length) return
    const room = new Int32Array(Math.max(needed, this.ids.length * 2))
    room.set(this.ids.subarray(0, this.count))
    this.ids = room
  }
}
