const quote = 34
const backslash = 92
const comma = 44
const openBracket = 91
const closeBracket = 93
const openBrace = 123
const closeBrace = 125
const space = 32

/** Bytes of a string that are looked at one by one: `indexOf` costs as much as this many of them. */
const nearBytes = 24

/**
 * Finds the end of one JSON value, a piece of the bytes at a time: nesting costs a number, and a
 * string is passed at the speed of `indexOf`. Of what is between brackets only brackets and strings
 * are looked at, so a value that is broken inside may pass.
 */
export class ValueSkip {
  /** How far it is; the byte behind the value once {@link ValueSkip.step} gave true. */
  at: number
  readonly #bytes: Buffer
  #depth = 0
  #isInString = false
  /** Whether an odd number of backslashes stands right before `at`. */
  #isEscaped = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.at = 0
  }

  /** `start` is the first byte of a value. */
  begin(start: number): void {
    this.at = start
    this.#depth = 0
    this.#isInString = false
    this.#isEscaped = false
  }

  /** Goes on up to byte `limit`; whether the value is at its end. At most about 5 ns a byte. */
  step(limit: number): boolean {
    const end = Math.min(limit, this.#bytes.length)
    // A view, so that looking for a quote ends with the step.
    const view = end < this.#bytes.length ? this.#bytes.subarray(0, end) : this.#bytes
    let isEnd = false
    while (!isEnd && this.at < end) {
      if (this.#isInString) {
        this.#passString(view)
        isEnd = !this.#isInString && this.#depth === 0
      } else isEnd = this.#passStructure(view)
    }
    // A bare value may end with the bytes; a string or a bracket may not.
    const isBare = !this.#isInString && this.#depth === 0
    return isEnd || (isBare && this.at === this.#bytes.length)
  }

  /** Up to the next string; whether the value is at its end. */
  #passStructure(view: Buffer): boolean {
    let depth = this.#depth
    let at = this.at
    for (; at < view.length; at++) {
      const byte = view[at] ?? 0
      if (byte === quote) {
        this.#isInString = true
        at++
        break
      }
      if (byte === openBrace || byte === openBracket) depth++
      else if (byte === closeBrace || byte === closeBracket) {
        // The end of what a bare value stood in.
        if (depth === 0) return this.#endAt(at)
        depth--
        if (depth === 0) return this.#endAt(at + 1)
      } else if (depth === 0 && (byte === comma || byte <= space)) return this.#endAt(at)
    }
    this.#depth = depth
    this.at = at
    return false
  }

  #endAt(at: number): true {
    this.#depth = 0
    this.at = at
    return true
  }

  /** Up to the end of the string, or of `view`. */
  #passString(view: Buffer): void {
    const from = this.at
    const near = Math.min(view.length, from + nearBytes)
    let at = from
    while (at < near && view[at] !== quote) at++
    if (at === near) at = view.indexOf(quote, near)
    while (at >= 0 && this.#isQuoteEscaped(view, from, at)) at = view.indexOf(quote, at + 1)
    this.#isInString = at < 0
    this.#isEscaped = at < 0 && this.#isQuoteEscaped(view, from, view.length)
    this.at = at < 0 ? view.length : at + 1
  }

  /** Whether an odd number of backslashes stands before `at`; those before `from` are known. */
  #isQuoteEscaped(view: Buffer, from: number, at: number): boolean {
    let start = at
    while (start > from && view[start - 1] === backslash) start--
    const isOdd = (at - start) % 2 === 1
    return start === from && this.#isEscaped ? !isOdd : isOdd
  }
}
