import type { Shape } from '#shared/stored/shape.ts'
import { IdRewriter, type Replace } from './id-rewriter.ts'

const lineFeed = 10
const carriageReturn = 13
const dataField = Buffer.from('data:')

/** Every key that holds an id of a stored thing ends so. */
const idKey = Buffer.from('id"')
/** What deltas have of them, right behind their type: no string of JSON holds these bytes. */
const itemKey = Buffer.from(',"item_id":"')
const eventEnd = Buffer.from('\n\n')
const quote = 34
const openBrace = 123
const openBracket = 91
const backslash = 92

/**
 * Server-sent events that pass with other ids in their data, byte for byte otherwise and however the
 * stream is split. Whole events come out whole.
 */
export class EventRewriter {
  readonly #ids: IdRewriter
  readonly #replace: Replace
  /** Where the reading is: at the first bytes of a line, in the data of one, or in another field. */
  #state: 'start' | 'data' | 'other' = 'start'
  /** Bytes of `data:` that the line has begun with. */
  #matched = 0
  #afterReturn = false
  /** Nothing of an event was read. */
  #isBetween = true

  constructor(shape: Shape, replace: Replace) {
    this.#ids = new IdRewriter(shape, replace)
    this.#replace = replace
  }

  feed(piece: Buffer): Buffer {
    const quick = this.#quickly(piece)
    if (quick !== undefined) return quick
    let at = 0
    while (at < piece.length) at = this.#step(piece, at)
    return this.#ids.take(piece)
  }

  rest(): Buffer {
    return this.#ids.rest()
  }

  /**
   * Whole events without an id, as keep-alives are, and deltas, which have the one of their item: most
   * of a stream, and not read member by member. Undefined where it takes a look.
   */
  #quickly(piece: Buffer): Buffer | undefined {
    if (!this.#isBetween || this.#afterReturn || this.#ids.isHolding) return undefined
    const { length } = piece
    const isWhole = piece[length - 1] === lineFeed && piece[length - 2] === lineFeed
    if (!isWhole || piece.includes(carriageReturn)) return undefined
    const parts: Buffer[] = []
    let from = 0
    for (let at = piece.indexOf(idKey); at >= 0; at = piece.indexOf(idKey, at)) {
      const begin = Math.max(from, piece.lastIndexOf(eventEnd, at))
      const id = idOfDelta(piece, begin, at)
      if (id === undefined) return undefined
      const text = piece.toString('utf8', id.start, id.end)
      const other = this.#replace('item', text)
      if (other !== undefined) {
        const spelled = JSON.stringify(other).slice(1, -1)
        parts.push(piece.subarray(from, id.start), Buffer.from(spelled))
        from = id.end
      }
      at = id.eventEnd
    }
    this.#ids.take(piece)
    return parts.length === 0 ? piece : Buffer.concat([...parts, piece.subarray(from)])
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

interface DeltaId {
  /** Bytes [start, end) of its text. */
  readonly start: number
  readonly end: number
  readonly eventEnd: number
}

/**
 * The id of the item that an event names; `begin` is at its first bytes, `at` at the key. Undefined where
 * the event has another id besides, or one that is not a member of its outermost object.
 */
function idOfDelta(piece: Buffer, begin: number, at: number): DeltaId | undefined {
  const key = at - (itemKey.length - idKey.length - 2)
  if (key < begin || piece.indexOf(itemKey, key) !== key) return undefined
  const object = piece.indexOf(openBrace, begin)
  if (object < 0 || object > key) return undefined
  const inner = piece.indexOf(openBrace, object + 1)
  const list = piece.indexOf(openBracket, begin)
  if ((inner >= 0 && inner < key) || (list >= 0 && list < key)) return undefined
  const start = key + itemKey.length
  const end = piece.indexOf(quote, start)
  const over = piece.indexOf(eventEnd, start)
  const next = piece.indexOf(idKey, end)
  if (end < 0 || end > over || (next >= 0 && next < over)) return undefined
  const escape = piece.indexOf(backslash, start)
  // An escape in the id itself, or a line of data that is none of one object.
  if (escape >= 0 && escape < end) return undefined
  const isData = piece.subarray(begin, object).toString('latin1').trimEnd().endsWith('data:')
  return isData ? { start, end, eventEnd: over } : undefined
}
