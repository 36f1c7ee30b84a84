import { IdScanner } from '#shared/stored/id-scanner.ts'
import type { Place, Shape } from '#shared/stored/shape.ts'

/** What an id is written as instead; undefined where it stays. */
export type Replace = (place: Place, id: string) => string | undefined

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

const nothing = Buffer.alloc(0)

/**
 * Bytes that pass, with other ids at the places of a shape and every other byte as it came. What is fed
 * comes out at once but for an id that has not ended. Positions are counted over all that was fed.
 */
export class IdRewriter {
  readonly #scanner: IdScanner
  #edits: Edit[] = []
  #held: Buffer = nothing
  #fedBytes = 0

  constructor(shape: Shape, replace: Replace) {
    this.#scanner = new IdScanner(shape, ({ place, start, end, text }) => {
      const other = text === undefined ? undefined : replace(place, text)
      if (other !== undefined) this.#edits.push({ start, end, text: JSON.stringify(other) })
    })
  }

  /** Nothing is held, and a value begins. */
  get isHolding(): boolean {
    return this.#held.length > 0
  }

  /** The next value begins. */
  reset(): void {
    this.#scanner.reset()
  }

  /** Looks at a part of the value: bytes [from, to) of `piece`, which is given to `take` as a whole. */
  look(piece: Buffer, from: number, to: number): void {
    this.#scanner.feed(piece.subarray(from, to), this.#fedBytes + from)
  }

  /** `piece`, behind what was held, as it goes on. */
  take(piece: Buffer): Buffer {
    const all = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    const start = this.#fedBytes - this.#held.length
    this.#fedBytes += piece.length
    const end = this.#scanner.openAt ?? this.#fedBytes
    // Copied: a slice would keep the whole read alive.
    this.#held = end === this.#fedBytes ? nothing : Buffer.from(all.subarray(end - start))
    const out = end === this.#fedBytes ? all : all.subarray(0, end - start)
    return this.#edited(out, start)
  }

  /** What is held when nothing follows. */
  rest(): Buffer {
    const held = this.#held
    this.#held = nothing
    return held
  }

  #edited(bytes: Buffer, start: number): Buffer {
    const edits = this.#edits
    if (edits.length === 0) return bytes
    this.#edits = []
    return withEdits(bytes, edits, start)
  }
}

/** `bytes` with other text at [start, end) of each edit, which are in order; `offset` is the first byte's place. */
export function withEdits(bytes: Buffer, edits: readonly Edit[], offset = 0): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (const { start, end, text } of edits) {
    parts.push(bytes.subarray(at, start - offset), Buffer.from(text))
    at = end - offset
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}

/** A value that is all there, or comes in pieces. */
export class ValueRewriter {
  readonly #ids: IdRewriter

  constructor(shape: Shape, replace: Replace) {
    this.#ids = new IdRewriter(shape, replace)
  }

  feed(piece: Buffer): Buffer {
    this.#ids.look(piece, 0, piece.length)
    return this.#ids.take(piece)
  }

  rest(): Buffer {
    return this.#ids.rest()
  }
}
