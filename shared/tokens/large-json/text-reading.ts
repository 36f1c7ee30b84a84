import type { LargeString } from './large-value.ts'
import { BrokenString, cutBefore, cutBetweenWords, textOf } from './string-text.ts'

/** How much is read at a time, in bytes of JSON. */
export interface TextPace {
  /** A step: at most 1 ms for 64 KiB. At least 6, which is an escape. */
  readonly stepBytes: number
  /** A piece: making one string of 2 MiB takes 1 to 2 ms. */
  readonly pieceBytes: number
}

export const usualTextPace: TextPace = { stepBytes: 65_536, pieceBytes: 2_097_152 }

/** Reads a long string as pieces that may be counted one by one. */
export class TextReading {
  /** The piece at hand: whole once {@link TextReading.step} gave true. */
  text = ''
  /** Whether all pieces so far end where tokens end. */
  isCutBetweenWords = true
  readonly #string: LargeString
  readonly #pace: TextPace
  #at: number
  #pieceEnd: number

  constructor(string: LargeString, pace: TextPace) {
    this.#string = string
    this.#pace = pace
    this.#at = string.start
    this.#pieceEnd = this.#nextEnd()
  }

  /** Bytes of JSON that were read. */
  get bytes(): number {
    return this.#at - this.#string.start
  }

  get isAtEnd(): boolean {
    return this.#at === this.#string.end
  }

  /** Goes on with the piece; whether it is whole. Throws `BrokenString`. */
  step(): boolean {
    const { bytes } = this.#string
    const from = this.#at
    const to = Math.min(this.#pieceEnd, from + this.#pace.stepBytes)
    const cut = to === this.#pieceEnd ? to : cutBefore(bytes, from, to)
    // An escape that a longer character breaks off: to cut in front of it would be no step.
    if (cut === from && from < to) throw new BrokenString(from)
    this.text += textOf(bytes, from, cut)
    this.#at = cut
    return cut === this.#pieceEnd
  }

  /** Lets the piece go and begins the next one. */
  nextPiece(): void {
    this.text = ''
    this.#pieceEnd = this.#nextEnd()
  }

  #nextEnd(): number {
    const { bytes, end } = this.#string
    const to = this.#at + this.#pace.pieceBytes
    if (to >= end) return end
    const words = cutBetweenWords(bytes, this.#at, to)
    if (words === undefined) this.isCutBetweenWords = false
    return words ?? cutBefore(bytes, this.#at, to)
  }
}
