import { CallError } from '#shared/errors/call-error.ts'
import { partName } from './part-name.ts'

/** What the scanner asks of its user. */
export interface PartUser {
  /** The value of the part `model`; gives what goes on in its place. May throw a `CallError`. */
  onModel(value: string): string
}

/** Headers of one part: a name, a file's name and a type. */
const headBytesMax = 16 * 1024
/** Longer than any model's name. */
const modelBytesMax = 1_024
/** Parts of one form. A form of empty parts would cost more than it is worth. */
const partsMax = 1_000

type State = 'start' | 'delimiter' | 'head' | 'value' | 'model' | 'end'

const lineEnd = Buffer.from('\r\n')
const headEnd = Buffer.from('\r\n\r\n')

/**
 * Follows a `multipart/form-data` body (RFC 7578, RFC 2046), however it is split, and gives on its bytes as
 * they came, but for the value of the part `model`. Strict where readers differ: what is no clean form is
 * refused, so that nobody reads another model from it than was looked at. Holds a delimiter, one part's
 * headers, or a model's name. Linear. Errors: `malformed-request`, `invalid-field`.
 */
export class PartScanner {
  readonly #delimiter: Buffer
  readonly #user: PartUser
  #held: Buffer = Buffer.alloc(0)
  #state: State = 'start'
  #parts = 0
  #hasModel = false

  constructor(boundary: string, user: PartUser) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#user = user
  }

  /** Whether the part `model` has been seen. */
  get hasModel(): boolean {
    return this.#hasModel
  }

  /** What goes on of `chunk` and of what was held back. */
  feed(chunk: Buffer): Buffer {
    if (this.#state === 'end') return chunk
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const out: Buffer[] = []
    let at = 0
    for (;;) {
      const next = this.#step(bytes, at, out)
      if (next === undefined) break
      at = next
    }
    at += this.#leave(bytes, at, out)
    this.#held = bytes.subarray(at)
    const [first] = out
    return out.length === 1 && first !== undefined ? first : Buffer.concat(out)
  }

  /** Error: `malformed-request` where the form has not ended. */
  end(): Buffer {
    if (this.#state !== 'end') throw broken('it ends inside a part')
    return Buffer.alloc(0)
  }

  /** Where to go on; undefined where more bytes are needed. */
  #step(bytes: Buffer, at: number, out: Buffer[]): number | undefined {
    switch (this.#state) {
      case 'start':
        return this.#start(bytes, out)
      case 'delimiter':
        return this.#behindDelimiter(bytes, at, out)
      case 'head':
        return this.#head(bytes, at, out)
      case 'value':
        return this.#value(bytes, at, out)
      case 'model':
        return this.#model(bytes, at, out)
      case 'end':
        return undefined
    }
  }

  /** Of a value all but what may be the beginning of a delimiter goes on at once; of the end all. */
  #leave(bytes: Buffer, at: number, out: Buffer[]): number {
    const kept = this.#state === 'value' ? this.#delimiter.length - 1 : 0
    if (this.#state !== 'value' && this.#state !== 'end') return 0
    const free = Math.max(0, bytes.length - at - kept)
    if (free > 0) out.push(bytes.subarray(at, at + free))
    return free
  }

  /** No words before the first part: no client writes any. */
  #start(bytes: Buffer, out: Buffer[]): number | undefined {
    const first = this.#delimiter.subarray(lineEnd.length)
    const isLike = bytes.subarray(0, first.length).equals(first.subarray(0, bytes.length))
    if (!isLike) throw broken('it does not begin with its boundary')
    if (bytes.length < first.length) return undefined
    out.push(bytes.subarray(0, first.length))
    this.#state = 'delimiter'
    return first.length
  }

  #behindDelimiter(bytes: Buffer, at: number, out: Buffer[]): number | undefined {
    if (bytes.length - at < 2) return undefined
    const two = bytes.toString('latin1', at, at + 2)
    if (two === '--') {
      this.#state = 'end'
      return at
    }
    if (two !== '\r\n') throw broken('a boundary is followed by other text')
    if (++this.#parts > partsMax) throw broken(`it has more than ${partsMax} parts`)
    out.push(bytes.subarray(at, at + 2))
    this.#state = 'head'
    return at + 2
  }

  #head(bytes: Buffer, at: number, out: Buffer[]): number | undefined {
    const end = bytes.indexOf(headEnd, at)
    const length = (end < 0 ? bytes.length : end) - at
    if (length > headBytesMax) throw broken('the headers of a part are too long')
    if (end < 0) return undefined
    const name = partName(bytes.toString('utf8', at, end))
    if (name === undefined) throw broken('a part has no name, or more than one')
    out.push(bytes.subarray(at, end + headEnd.length))
    this.#state = name === 'model' ? 'model' : 'value'
    return end + headEnd.length
  }

  #value(bytes: Buffer, at: number, out: Buffer[]): number | undefined {
    const found = bytes.indexOf(this.#delimiter, at)
    if (found < 0) return undefined
    const end = found + this.#delimiter.length
    out.push(bytes.subarray(at, end))
    this.#state = 'delimiter'
    return end
  }

  #model(bytes: Buffer, at: number, out: Buffer[]): number | undefined {
    const end = bytes.indexOf(this.#delimiter, at)
    const length = (end < 0 ? bytes.length : end) - at
    if (length > modelBytesMax + this.#delimiter.length) throw badModel("'model' is too long")
    if (end < 0) return undefined
    if (this.#hasModel) throw badModel("'model' occurs twice")
    this.#hasModel = true
    const value = bytes.toString('utf8', at, end)
    const other = this.#user.onModel(value)
    out.push(other === value ? bytes.subarray(at, end) : Buffer.from(other))
    this.#state = 'value'
    return end
  }
}

function broken(state: string): CallError {
  return new CallError('malformed-request', `Cannot read the form: ${state}`)
}

function badModel(state: string): CallError {
  return new CallError('invalid-field', `Cannot read the form: ${state}`, { field: 'model' })
}
