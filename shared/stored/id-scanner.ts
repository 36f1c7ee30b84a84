import { memberOf, type Place, type Shape } from './shape.ts'

/** A string at a place that a shape names. */
export interface Found {
  readonly place: Place
  /** Bytes [start, end) with its quotes, counted as the feeder counts them. */
  readonly start: number
  readonly end: number
  /** Undefined where it is too long, or no string of JSON. */
  readonly text: string | undefined
  /** Where the object or array begins that it stands in. */
  readonly scope: number
}

interface Frame {
  readonly isArray: boolean
  readonly shape: Shape
  readonly start: number
}

type Mode = 'value' | 'key' | 'colon' | 'after' | 'string' | 'bare' | 'skip' | 'end' | 'broken'

/** No key or id is longer; escaped, a letter takes six bytes. */
const textBytesMax = 4_096
/** Shapes repeat inside themselves; nobody nests tools so deep. */
const depthMax = 64
/** Numbers, `true`, `null`, and what some write for no number. */
const bareLetters = /[A-Za-z0-9+.-]/
const isBare = Array.from({ length: 256 }, (_, byte) => bareLetters.test(String.fromCharCode(byte)))
/** Bytes of a string that are looked at one by one: `indexOf` costs as much as this many of them. */
const nearBytes = 24

const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/**
 * Follows one JSON value, fed in pieces however it is split, and tells of the strings at the places of a
 * shape: by their path, so that the same words inside of a text, a tool's arguments or a schema are
 * nothing to it. Memory is that of one short string; linear. Of what is no JSON it may see less, and
 * says so.
 */
export class IdScanner {
  readonly #root: Shape
  readonly #onFound: (found: Found) => void
  #mode: Mode = 'value'
  #shape: Shape | undefined
  readonly #frames: Frame[] = []
  /** Open containers that no shape names. */
  #depth = 0
  #string: 'key' | 'text' | 'plain' = 'plain'
  #stringStart = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0
  /** Whether an odd number of backslashes stands at the end of what was fed. */
  #isEscaped = false

  constructor(root: Shape, onFound: (found: Found) => void) {
    this.#root = root
    this.#onFound = onFound
    this.#shape = root
  }

  /** Begins another value. */
  reset(): void {
    this.#mode = 'value'
    this.#shape = this.#root
    this.#frames.length = 0
    this.#depth = 0
    this.#letGo()
  }

  /** Whether a whole value was read, and nothing but space behind it. */
  get isWhole(): boolean {
    return this.#mode === 'end'
  }

  /** Whether it is no JSON. */
  get isBroken(): boolean {
    return this.#mode === 'broken'
  }

  /** Where a string begins that may be an id and has not ended. */
  get openAt(): number | undefined {
    return this.#mode === 'string' && this.#string === 'text' ? this.#stringStart : undefined
  }

  /** `start`: of the piece, as the feeder counts. */
  feed(piece: Buffer, start: number): void {
    let at = 0
    while (at < piece.length) at = this.#step(piece, at, start)
  }

  #step(piece: Buffer, at: number, start: number): number {
    if (this.#mode === 'string') return this.#inString(piece, at, start)
    if (this.#mode === 'skip') return this.#inSkip(piece, at, start)
    if (this.#mode === 'broken') return piece.length
    const byte = piece[at] ?? 0
    if (byte === 32 || byte === 10 || byte === 13 || byte === 9) {
      if (this.#mode === 'bare') this.#valueEnded()
      return at + 1
    }
    switch (this.#mode) {
      case 'value':
        return this.#value(byte, at, start)
      case 'key':
        return this.#key(byte, at, start)
      case 'colon':
        this.#mode = byte === colon ? 'value' : 'broken'
        return at + 1
      case 'bare':
        return this.#bare(byte, at)
      case 'after':
        this.#after(byte)
        return at + 1
      case 'end':
        this.#mode = 'broken'
        return at + 1
    }
  }

  #value(byte: number, at: number, start: number): number {
    const shape = this.#shape
    if (byte === quote) {
      this.#openString(shape?.text === undefined ? 'plain' : 'text', start + at)
      return at + 1
    }
    const frame = this.#frames.at(-1)
    if (byte === closeBracket && frame?.isArray === true) {
      this.#close()
      return at + 1
    }
    const isArray = byte === openBracket
    if (!isArray && byte !== openBrace) {
      this.#mode = isBare[byte] === true ? 'bare' : 'broken'
      return at + 1
    }
    const isNamed = isArray ? shape?.items !== undefined : shape?.members !== undefined
    if (shape === undefined || !isNamed) {
      this.#depth = 1
      this.#mode = 'skip'
    } else this.#open({ isArray, shape, start: start + at })
    return at + 1
  }

  #bare(byte: number, at: number): number {
    if (isBare[byte] === true) return at + 1
    // By a comment or another quote some readers would not end it.
    if (byte !== comma && byte !== closeBrace && byte !== closeBracket) this.#mode = 'broken'
    else this.#valueEnded()
    return at
  }

  #open(frame: Frame): void {
    if (this.#frames.length === depthMax) {
      this.#mode = 'broken'
      return
    }
    this.#frames.push(frame)
    this.#shape = frame.shape.items
    this.#mode = frame.isArray ? 'value' : 'key'
  }

  #key(byte: number, at: number, start: number): number {
    if (byte === quote) this.#openString('key', start + at)
    else if (byte === closeBrace) this.#close()
    // One comma too many is for the provider to refuse.
    else if (byte !== comma) this.#mode = 'broken'
    return at + 1
  }

  #after(byte: number): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) {
      this.#mode = 'broken'
      return
    }
    if (byte === comma) {
      this.#shape = frame.shape.items
      this.#mode = frame.isArray ? 'value' : 'key'
    } else if (byte === (frame.isArray ? closeBracket : closeBrace)) this.#close()
    else this.#mode = 'broken'
  }

  #close(): void {
    this.#frames.pop()
    this.#valueEnded()
  }

  #valueEnded(): void {
    this.#mode = this.#frames.length === 0 ? 'end' : 'after'
  }

  #inSkip(piece: Buffer, from: number, start: number): number {
    for (let at = from; at < piece.length; at++) {
      const byte = piece[at]
      if (byte === quote) {
        this.#openString('plain', start + at)
        return at + 1
      }
      if (byte === openBrace || byte === openBracket) this.#depth++
      else if (byte === closeBrace || byte === closeBracket) {
        this.#depth--
        if (this.#depth === 0) {
          this.#valueEnded()
          return at + 1
        }
      }
    }
    return piece.length
  }

  #openString(kind: 'key' | 'text' | 'plain', at: number): void {
    this.#string = kind
    this.#stringStart = at
    this.#isEscaped = false
    this.#mode = 'string'
  }

  #inString(piece: Buffer, from: number, start: number): number {
    for (let at = quoteFrom(piece, from); at >= 0; at = quoteFrom(piece, at + 1)) {
      if (this.#isOpenEscape(piece, from, at)) continue
      const isPlain = this.#string === 'plain'
      this.#stringEnded(isPlain ? undefined : this.#text(piece, from, at), start + at + 1)
      return at + 1
    }
    this.#isEscaped = this.#isOpenEscape(piece, from, piece.length)
    this.#collect(piece, from, piece.length)
    return piece.length
  }

  /** Whether what stands at `at` is escaped. */
  #isOpenEscape(piece: Buffer, from: number, at: number): boolean {
    let slashes = 0
    while (at - 1 - slashes >= from && piece[at - 1 - slashes] === backslash) slashes++
    const isOdd = slashes % 2 === 1
    return at - slashes === from ? isOdd !== this.#isEscaped : isOdd
  }

  #collect(piece: Buffer, from: number, to: number): void {
    if (this.#string === 'plain' || this.#pieceBytes > textBytesMax) return
    // Copied: what is fed may be somebody's to write to.
    this.#pieces.push(Buffer.from(piece.subarray(from, to)))
    this.#pieceBytes += to - from
  }

  #stringEnded(text: string | undefined, end: number): void {
    const kind = this.#string
    this.#letGo()
    if (kind === 'key') {
      this.#shape = text === undefined ? undefined : memberOf(this.#frames.at(-1)?.shape, text)
      this.#mode = 'colon'
      return
    }
    const place = this.#shape?.text
    if (kind === 'text' && place !== undefined) {
      const scope = this.#frames.at(-1)?.start ?? 0
      this.#onFound({ place, start: this.#stringStart, end, text, scope })
    }
    if (this.#depth > 0) this.#mode = 'skip'
    else this.#valueEnded()
  }

  /** What was collected, and bytes [from, to) of the last piece. */
  #text(piece: Buffer, from: number, to: number): string | undefined {
    if (this.#pieceBytes + to - from > textBytesMax) return undefined
    const text =
      this.#pieceBytes === 0
        ? piece.toString('utf8', from, to)
        : Buffer.concat([...this.#pieces, piece.subarray(from, to)]).toString('utf8')
    return text.includes('\\') ? unescaped(text) : text
  }

  #letGo(): void {
    if (this.#pieceBytes === 0) return
    this.#pieces = []
    this.#pieceBytes = 0
  }
}

function unescaped(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(`"${text}"`)
    return typeof value === 'string' ? value : undefined
  } catch {
    // A broken escape: it names nothing, and the provider refuses it.
    return undefined
  }
}

function quoteFrom(piece: Buffer, from: number): number {
  const near = Math.min(piece.length, from + nearBytes)
  for (let at = from; at < near; at++) if (piece[at] === quote) return at
  return near === piece.length ? -1 : piece.indexOf(quote, near)
}
