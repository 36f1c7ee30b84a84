import type { Tally } from '../tally.ts'
import { firstCommon, tokenBefore } from '../window-overlap.ts'
import { type Merges, SymbolMerge } from './merge-symbols.ts'

/** Symbols of a window at first: its merge is quadratic and in the first cache. */
export const windowSymbols = 96

/** Tokens at the end of a window that the next one begins with. */
const overlapTokens = 3

/**
 * Windows that have no token in common grow by this factor. Large, since the run starts over: six
 * times at most for 1 MB.
 */
const growth = 8

/**
 * Byte pair encoding of a run of any length in windows, exact, in steps that do not grow with it:
 * files of the SentencePiece kind have no pre-tokenizer, so a whole text is one run.
 *
 * A sequence of tokens is the encoding of its symbols if every two neighbours are the encoding of
 * theirs: the first merge across a boundary would happen in those two alone as well, since all
 * merges before it were inside tokens. Any part of an encoding is that of its own symbols for the
 * same reason. So where two windows that overlap have one token in common, the first one's tokens
 * up to it and the second one's behind it are the encoding of both. The argument needs an order of
 * merges (rank, then position) and no more, so it holds for any list of merges.
 */
export class LongRun {
  #symbols: Int32Array = new Int32Array(0)
  #window: SymbolMerge
  #following: SymbolMerge
  readonly #tally: Tally
  #to = 0
  #countBefore = 0
  #size = windowSymbols
  /** Where in the window the first token begins that the tally does not have. */
  #at = 0

  constructor(merges: Merges, tally: Tally) {
    this.#window = new SymbolMerge(merges)
    this.#following = new SymbolMerge(merges)
    this.#tally = tally
  }

  /** Takes the first `count` of `symbols`. */
  begin(symbols: Int32Array, count: number): void {
    this.#symbols = symbols
    this.#to = count
    this.#countBefore = this.#tally.count
    this.#size = windowSymbols
    this.#restart()
  }

  /** Whether all tokens of the run are in the tally. */
  get isDone(): boolean {
    return this.#at === this.#window.length
  }

  /** One window more. Gives the symbols that it cost. */
  step(): number {
    const window = this.#window
    if (window.base + window.length >= this.#to) {
      window.addTo(this.#tally, this.#at, window.length)
      this.#at = window.length
      return 0
    }
    if (!this.#follow(overlapTokens) && !this.#follow(window.count >>> 1)) {
      this.#size *= growth
      this.#restart()
    }
    return this.#size
  }

  #restart(): void {
    this.#tally.rewind(this.#countBefore)
    this.#at = 0
    this.#window.run(this.#symbols, 0, Math.min(this.#size, this.#to))
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
    following.run(this.#symbols, base, Math.min(base + this.#size, this.#to))
    const common = firstCommon(window, start, following)
    if (common < 0) return false
    window.addTo(this.#tally, this.#at, common)
    this.#at = common - start
    this.#window = following
    this.#following = window
    return true
  }
}
