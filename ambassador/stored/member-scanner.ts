/** Of a member that is read; a longer one is none of those that are asked for. */
const valueBytesMax = 8_192
const keyBytesMax = 64

const quote = 34
const comma = 44
const colon = 58
const backslash = 92

/**
 * Reads short members of one JSON value as its bytes come: those of its outermost object (`usage`) and of
 * the objects in it (`response.usage`). The same words further inside, which may be a caller's own, are
 * nothing to it. Memory is that of the members asked for; linear; never throws.
 */
export class MemberScanner {
  readonly #wanted: ReadonlySet<string>
  readonly #found = new Map<string, string>()
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** Letters of the last string at the first and the second depth: before a colon it is a key. */
  readonly #keys = [Buffer.alloc(keyBytesMax), Buffer.alloc(keyBytesMax)] as const
  readonly #keyBytes = [0, 0]
  #path: string | undefined
  #pathDepth = 0
  readonly #value = Buffer.alloc(valueBytesMax)
  #valueBytes = 0

  constructor(wanted: readonly string[]) {
    this.#wanted = new Set(wanted)
  }

  /** Begins another value. */
  reset(): void {
    this.#found.clear()
    this.#depth = 0
    this.#isInString = false
    this.#isEscaped = false
    this.#path = undefined
  }

  /** What was read of a member; undefined where there is none, or no JSON. */
  value(path: string): unknown {
    const text = this.#found.get(path)
    if (text === undefined) return undefined
    try {
      const value: unknown = JSON.parse(text)
      return value
    } catch {
      return undefined
    }
  }

  feed(piece: Buffer, from = 0, to = piece.length): void {
    for (let at = from; at < to; at++) this.#step(piece[at] ?? 0)
  }

  #step(byte: number): void {
    if (this.#isInString) this.#inString(byte)
    else if (byte === quote) {
      this.#isInString = true
      if (this.#depth === 1 || this.#depth === 2) this.#keyBytes[this.#depth - 1] = 0
    } else if (byte === colon && this.#path === undefined) {
      this.#begin()
      return
    } else if (byte === 123 || byte === 91) this.#depth++
    else if (byte === 125 || byte === 93) {
      if (this.#depth === this.#pathDepth) this.#end()
      this.#depth--
    } else if (byte === comma && this.#depth === this.#pathDepth) this.#end()
    if (this.#path !== undefined) this.#keep(byte)
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) {
      this.#isInString = false
      return
    }
    const level = this.#depth - 1
    const key = this.#keys[level]
    const length = this.#keyBytes[level]
    if (key === undefined || length === undefined) return
    key[length] = byte
    this.#keyBytes[level] = length + 1
  }

  #begin(): void {
    if (this.#depth < 1 || this.#depth > 2) return
    const first = this.#key(0)
    const path = this.#depth === 1 ? first : `${first}.${this.#key(1)}`
    if (!this.#wanted.has(path)) return
    this.#path = path
    this.#pathDepth = this.#depth
    this.#valueBytes = 0
  }

  #key(level: 0 | 1): string {
    const length = this.#keyBytes[level] ?? 0
    return length > keyBytesMax ? '' : this.#keys[level].toString('latin1', 0, length)
  }

  #keep(byte: number): void {
    if (this.#valueBytes < valueBytesMax) this.#value[this.#valueBytes] = byte
    this.#valueBytes++
  }

  #end(): void {
    const path = this.#path
    if (path === undefined) return
    this.#path = undefined
    if (this.#valueBytes > valueBytesMax) return
    this.#found.set(path, this.#value.toString('utf8', 0, this.#valueBytes))
  }
}
