import type { Shape } from '#shared/stored/shape.ts'
import { IdRewriter, type Replace } from './id-rewriter.ts'

const lineFeed = 10
const carriageReturn = 13
const dataField = Buffer.from('data:')

/** Every key that holds an id of a stored thing ends so. */
const idKey = 'id"'

/**
 * Server-sent events that pass with other ids in their data, byte for byte otherwise and however the
 * stream is split. Whole events come out whole.
 */
export class EventRewriter {
  readonly #ids: IdRewriter
  /** Where the reading is: at the first bytes of a line, in the data of one, or in another field. */
  #state: 'start' | 'data' | 'other' = 'start'
  /** Bytes of `data:` that the line has begun with. */
  #matched = 0
  #afterReturn = false
  /** Nothing of an event was read. */
  #isBetween = true

  constructor(shape: Shape, replace: Replace) {
    this.#ids = new IdRewriter(shape, replace)
  }

  feed(piece: Buffer): Buffer {
    if (this.#passes(piece)) return piece
    let at = 0
    while (at < piece.length) at = this.#step(piece, at)
    return this.#ids.take(piece)
  }

  rest(): Buffer {
    return this.#ids.rest()
  }

  /** Whole events without an id, as keep-alives and comments are: they are not read. */
  #passes(piece: Buffer): boolean {
    if (!this.#isBetween || this.#afterReturn || this.#ids.isHolding) return false
    const { length } = piece
    const isWhole = piece[length - 1] === lineFeed && piece[length - 2] === lineFeed
    if (!isWhole || piece.includes(idKey)) return false
    this.#ids.take(piece)
    return true
  }

  #step(piece: Buffer, at: number): number {
    const byte = piece[at] ?? 0
    if (this.#state !== 'data' && (byte === lineFeed || byte === carriageReturn)) {
      this.#lineEnded(byte)
      return at + 1
    }
    if (this.#state === 'start') {
      this.#matchField(byte)
      return at + 1
    }
    const end = lineEnd(piece, at)
    if (this.#state === 'data') this.#ids.look(piece, at, end)
    if (end < piece.length && this.#state === 'data') {
      this.#lineEnded(piece[end] ?? 0)
      return end + 1
    }
    return end
  }

  #matchField(byte: number): void {
    this.#afterReturn = false
    this.#isBetween = false
    if (byte !== dataField[this.#matched]) this.#state = 'other'
    else if (++this.#matched === dataField.length) this.#state = 'data'
  }

  #lineEnded(byte: number): void {
    const isSecond = byte === lineFeed && this.#afterReturn
    this.#afterReturn = byte === carriageReturn
    if (isSecond) return
    if (this.#state === 'start' && this.#matched === 0) {
      // A blank line: the event is over.
      this.#ids.reset()
      this.#isBetween = true
    }
    this.#state = 'start'
    this.#matched = 0
  }
}

function lineEnd(piece: Buffer, from: number): number {
  const feed = piece.indexOf(lineFeed, from)
  const end = feed < 0 ? piece.length : feed
  const back = piece.subarray(from, end).indexOf(carriageReturn)
  return back < 0 ? end : from + back
}
