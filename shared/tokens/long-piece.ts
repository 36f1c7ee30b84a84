import type { Tally, Tokens } from './tally.ts'
import { firstCommon, tokenBefore } from './window-overlap.ts'

/**
 * Bytes or symbols of a window at first. Its merge is quadratic and in the first cache, which is
 * faster for each than a heap over the piece (measured from 48 to 256).
 */
export const windowLength = 96

/** Tokens at the end of a window that the next one begins with. */
const overlapTokens = 3

/** With fewer tokens in a window the overlap is more than a quarter of it: larger ones follow. */
const windowTokensMin = 12

/** A merge whose stretches are windows of a piece. */
export interface Window extends Tokens {
  /** Where the stretch begins in the piece's text or symbols. */
  readonly base: number
  readonly length: number
  readonly count: number
  readonly last: number
  readonly previous: Int32Array
  /** Encodes what is from `from` to `to`. */
  run(from: number, to: number): void
  /** Whether that is what the stretch at hand is: then its encoding becomes that one's. */
  slide(from: number, to: number): boolean
  /** What the stretch is of is about to change. */
  forget(): void
}

/**
 * Byte pair encoding of a piece of any length in windows, exact, in memory and steps that do not
 * grow with the piece.
 *
 * A sequence of tokens is the encoding of its bytes if every two neighbours are the encoding of
 * theirs: of a merge across a boundary, the first one would happen in the encoding of those two
 * alone as well, since all merges before it were inside tokens. Any part of an encoding is the
 * encoding of its own bytes for the same reason. So where the encodings of two windows that overlap
 * have one token in common, the first one's tokens up to it and the second one's behind it are the
 * encoding of both together. (Antonov, van Antwerpen: "So many tokens, so little time", 2024, build
 * an encoder on the same property.) The argument needs an order of merges (rank, then position) and
 * no more, so it holds for symbols and any list of merges, too.
 *
 * Windows that have no token in common are too small for the piece (a run of one letter, where
 * tokens are up to 128 bytes): it starts over with larger ones.
 */
export class LongPiece {
  #window: Window
  #following: Window
  readonly #tally: Tally
  readonly #growth: number
  #from = 0
  #to = 0
  /** Tokens before the piece. */
  #countBefore = 0
  #length = windowLength
  /** Where in the window the first token begins that the tally does not have. */
  #at = 0

  /** @param growth how many times larger windows are after a start over. */
  constructor([window, following]: readonly [Window, Window], tally: Tally, growth: number) {
    this.#window = window
    this.#following = following
    this.#tally = tally
    this.#growth = growth
  }

  begin(from: number, to: number): void {
    this.#from = from
    this.#to = to
    this.#countBefore = this.#tally.count
    this.#length = windowLength
    this.#following.forget()
    this.#restart()
  }

  /** Whether all tokens of the piece are in the tally. */
  get isDone(): boolean {
    return this.#at === this.#window.length
  }

  /** One window more. Gives the bytes or symbols that it cost. */
  step(): number {
    const window = this.#window
    const windowEnd = window.base + window.length
    if (windowEnd >= this.#to) {
      this.#tally.addFrom(window, this.#at, window.length)
      this.#at = window.length
      return 0
    }
    if (!this.#follow(overlapTokens) && !this.#follow(window.count >>> 1)) {
      this.#length *= this.#growth
      this.#restart()
    } else if (window.count < windowTokensMin) this.#length *= 2
    return this.#length
  }

  #restart(): void {
    this.#tally.rewind(this.#countBefore)
    this.#at = 0
    this.#window.run(this.#from, Math.min(this.#from + this.#length, this.#to))
  }

  /** Whether a window that begins `overlap` tokens before the end of this one has one in common. */
  #follow(overlap: number): boolean {
    const window = this.#window
    const following = this.#following
    let start = window.length
    for (let back = 0; back < overlap && start > this.#at; back++)
      start = tokenBefore(window, start)
    if (start <= 0) return false
    const base = window.base + start
    const end = Math.min(base + this.#length, this.#to)
    // Text that repeats with a window's step is merged once.
    if (!following.slide(base, end)) following.run(base, end)
    const common = firstCommon(window, start, following)
    if (common < 0) return false
    this.#tally.addFrom(window, this.#at, common)
    this.#at = common - start
    this.#window = following
    this.#following = window
    return true
  }
}
