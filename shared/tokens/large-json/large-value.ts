import { headText } from './string-text.ts'

/** A value that stays in the bytes of its body, [start, end): too long to be parsed at once. */
class LargeValue {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  /** Bytes of its JSON. */
  get length(): number {
    return this.end - this.start
  }
}

/** An array; `start` is its bracket. `elementsOf` reads it. */
export class LargeArray extends LargeValue {
  readonly kind = 'array'
}

/** An object; `start` is its brace. `openObject` reads it. */
export class LargeObject extends LargeValue {
  readonly kind = 'object'
}

/** A string without its quotes, escaped as it came. `TextReading` reads it whole. */
export class LargeString extends LargeValue {
  readonly kind = 'string'

  /** The string from its beginning to about `bytes` of its JSON, unescaped. */
  head(bytes: number): string {
    return headText(this.bytes, this.start, Math.min(this.end, this.start + bytes))
  }

  /** What stands `bytes` behind the beginning. */
  from(bytes: number): LargeString {
    return new LargeString(this.bytes, Math.min(this.end, this.start + bytes), this.end)
  }
}
