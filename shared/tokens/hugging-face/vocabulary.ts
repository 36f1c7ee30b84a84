import { hashBase, mixHash } from '../vocabulary/table.ts'

/** The arrays of a table that hold its tokens. */
export interface Tokens {
  readonly slots: Int32Array
  readonly offsets: Int32Array
  readonly blob: Uint8Array
  readonly tokenBytesMax: number
}

/** Ids of pieces that are one token as a whole, by their bytes. About 16 bytes each and their own. */
export class Vocabulary {
  /** Bytes of the longest; 0 where there are none. */
  readonly tokenBytesMax: number
  readonly #slots: Int32Array
  readonly #offsets: Int32Array
  readonly #blob: Uint8Array
  readonly #last: number
  readonly #shift: number
  readonly #bits: number
  readonly #mask: number

  constructor({ slots, offsets, blob, tokenBytesMax }: Tokens) {
    this.tokenBytesMax = tokenBytesMax
    this.#slots = slots
    this.#offsets = offsets
    this.#blob = blob
    this.#last = slots.length - 1
    this.#shift = Math.clz32(this.#last)
    this.#bits = 32 - Math.clz32(offsets.length)
    this.#mask = 2 ** this.#bits - 1
  }

  /** Id of the first `length` bytes; -1 where no token has them. */
  find(bytes: Uint8Array, length: number): number {
    if (length > this.tokenBytesMax) return -1
    return ((this.#slots[this.#slot(bytes, length)] ?? 0) & this.#mask) - 1
  }

  /** Enters a token whose bytes are in the blob already. */
  enter(bytes: Uint8Array, id: number): void {
    const tag = hashOf(bytes, bytes.length) << this.#bits
    this.#slots[this.#slot(bytes, bytes.length)] = tag | (id + 1)
  }

  /** The slot of these bytes, or the empty one where they would be. */
  #slot(bytes: Uint8Array, length: number): number {
    const slots = this.#slots
    const bits = this.#bits
    const mixed = hashOf(bytes, length)
    const tag = (mixed << bits) >>> bits
    let slot = mixed >>> this.#shift
    for (;;) {
      const entry = slots[slot] ?? 0
      if (entry === 0) return slot
      if (entry >>> bits === tag && this.#has((entry & this.#mask) - 1, bytes, length)) return slot
      slot = (slot + 1) & this.#last
    }
  }

  #has(id: number, bytes: Uint8Array, length: number): boolean {
    const start = this.#offsets[id] ?? 0
    if ((this.#offsets[id + 1] ?? 0) - start !== length) return false
    const blob = this.#blob
    for (let at = 0; at < length; at++) if (blob[start + at] !== bytes[at]) return false
    return true
  }
}

function hashOf(bytes: Uint8Array, length: number): number {
  let hash = 0
  for (let at = 0; at < length; at++) hash = (Math.imul(hash, hashBase) + (bytes[at] ?? 0)) | 0
  return mixHash(hash, length)
}
