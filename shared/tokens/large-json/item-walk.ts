import { NotAnObject } from '#shared/dialects/top-level.ts'
import { ValueSkip } from './value-skip.ts'

const comma = 44
const colon = 58
const quote = 34
const openBracket = 91
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/** What comes next; white space may stand before each but the insides of keys and values. */
type Place = 'open' | 'first' | 'key' | 'in key' | 'colon' | 'value' | 'in value' | 'after' | 'end'

/**
 * Walks over the elements of a JSON array or the members of an object without parsing them, in steps
 * of bounded cost. Throws {@link NotAnObject} with the byte where reading stopped; what is broken
 * inside a key or a value may pass.
 */
export class ItemWalk {
  /** How far it is. */
  at: number
  /** Where the member's key stands, with its quotes; of no meaning in an array. */
  keyStart = 0
  keyEnd = 0
  /** Where the item's value stands. */
  start = 0
  end = 0
  /** Whether it is an object rather than an array: known once there is an item, or the end. */
  isObject = false
  readonly #bytes: Buffer
  readonly #stepBytes: number
  readonly #skip: ValueSkip
  #pauseAt: number
  #place: Place = 'open'

  /** `from` is where the array or object begins, or white space before it. */
  constructor(bytes: Buffer, from: number, stepBytes: number) {
    this.#bytes = bytes
    this.#stepBytes = stepBytes
    this.#skip = new ValueSkip(bytes)
    this.at = from
    this.#pauseAt = from + stepBytes
  }

  get isAtEnd(): boolean {
    return this.#place === 'end'
  }

  /** Up to the next item, to the end, or to where `stepBytes` were passed since the last pause. */
  next(): 'item' | 'pause' | 'end' {
    while (this.at < this.#pauseAt) {
      if (this.#place === 'end') return 'end'
      const isInside = this.#place === 'in key' || this.#place === 'in value'
      if (!isInside && !this.#passSpace()) break
      if (this.#advance()) return 'item'
    }
    this.#pauseAt = this.at + this.#stepBytes
    return 'pause'
  }

  /** Whether there is a byte before the pause. */
  #passSpace(): boolean {
    const bytes = this.#bytes
    const end = Math.min(bytes.length, this.#pauseAt)
    let at = this.at
    while (at < end && isSpace(bytes[at])) at++
    this.at = at
    if (at === bytes.length) throw new NotAnObject(at)
    return at < end
  }

  /** Takes what stands here; whether an item is whole with it. */
  #advance(): boolean {
    const byte = this.#bytes[this.at]
    switch (this.#place) {
      case 'open':
        this.isObject = byte === openBrace
        if (!this.isObject && byte !== openBracket) throw new NotAnObject(this.at)
        return this.#take('first')
      case 'first':
        if (byte === (this.isObject ? closeBrace : closeBracket)) return this.#take('end')
        this.#place = this.isObject ? 'key' : 'value'
        return false
      case 'key':
        if (byte !== quote) throw new NotAnObject(this.at)
        this.keyStart = this.at
        return this.#enter('in key')
      case 'colon':
        if (byte !== colon) throw new NotAnObject(this.at)
        return this.#take('value')
      case 'value':
        this.start = this.at
        return this.#enter('in value')
      case 'in key':
        if (this.#passes()) {
          this.keyEnd = this.at
          this.#place = 'colon'
        }
        return false
      case 'in value':
        return this.#passes() && this.#endValue()
      case 'after':
        return this.#takeSeparator(byte)
      case 'end':
        return false
    }
  }

  #take(next: Place): false {
    this.at++
    this.#place = next
    return false
  }

  #enter(inside: 'in key' | 'in value'): false {
    this.#skip.begin(this.at)
    this.#place = inside
    return false
  }

  /** Whether the key or value at hand is passed. */
  #passes(): boolean {
    const isPassed = this.#skip.step(this.#pauseAt)
    this.at = this.#skip.at
    if (!isPassed && this.at >= this.#bytes.length) throw new NotAnObject(this.at)
    return isPassed
  }

  #endValue(): true {
    this.end = this.at
    if (this.end === this.start) throw new NotAnObject(this.at)
    this.#place = 'after'
    return true
  }

  #takeSeparator(byte: number | undefined): false {
    if (byte === (this.isObject ? closeBrace : closeBracket)) return this.#take('end')
    if (byte !== comma) throw new NotAnObject(this.at)
    return this.#take(this.isObject ? 'key' : 'value')
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9
}
