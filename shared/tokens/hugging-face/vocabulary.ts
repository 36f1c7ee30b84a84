import { hashBase, mixHash } from '../vocabulary/table.ts'

/**
 * Byte strings of tokens in typed arrays: after building, no string is kept. About 20 bytes a token
 * besides its own. Entries are numbered in the order they are added; ids may have gaps.
 */
export class Vocabulary {
  /** Id of each entry. */
  readonly ids: Int32Array
  /** Bytes of the longest token. */
  tokenBytesMax = 0
  #count = 0
  #blob: Uint8Array<ArrayBuffer>
  readonly #offsets: Int32Array
  readonly #slots: Int32Array
  readonly #last: number
  readonly #shift: number

  constructor(capacity: number) {
    this.ids = new Int32Array(capacity)
    this.#offsets = new Int32Array(capacity + 1)
    this.#blob = new Uint8Array(capacity * 8)
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(capacity, 8) * 1.6))
    this.#slots = new Int32Array(slotCount)
    this.#last = slotCount - 1
    this.#shift = Math.clz32(this.#last)
  }

  add(bytes: Uint8Array, id: number): void {
    const slot = this.#slot(bytes, bytes.length)
    // Two strings of the file with the same bytes hold lone surrogates: text never has those.
    if (this.#slots[slot] !== 0) return
    const entry = this.#count++
    const start = this.#offsets[entry] ?? 0
    const end = start + bytes.length
    if (end > this.#blob.length) {
      const room = new Uint8Array(Math.max(end, this.#blob.length * 2))
      room.set(this.#blob)
      this.#blob = room
    }
    this.#blob.set(bytes, start)
    this.#offsets[entry + 1] = end
    this.ids[entry] = id
    this.#slots[slot] = entry + 1
    this.tokenBytesMax = Math.max(this.tokenBytesMax, bytes.length)
  }

  /** Gives back what growing left over. */
  trim(): void {
    this.#blob = this.#blob.slice(0, this.#offsets[this.#count])
  }

  /** Entry of the first `length` bytes; -1 where no token has them. */
  find(bytes: Uint8Array, length: number): number {
    if (length > this.tokenBytesMax) return -1
    return (this.#slots[this.#slot(bytes, length)] ?? 0) - 1
  }

  #slot(bytes: Uint8Array, length: number): number {
    let hash = 0
    for (let at = 0; at < length; at++) hash = (Math.imul(hash, hashBase) + (bytes[at] ?? 0)) | 0
    const slots = this.#slots
    let slot = mixHash(hash, length) >>> this.#shift
    for (;;) {
      const entry = slots[slot] ?? 0
      if (entry === 0 || this.#has(entry - 1, bytes, length)) return slot
      slot = (slot + 1) & this.#last
    }
  }

  #has(entry: number, bytes: Uint8Array, length: number): boolean {
    const start = this.#offsets[entry] ?? 0
    if ((this.#offsets[entry + 1] ?? 0) - start !== length) return false
    const blob = this.#blob
    for (let at = 0; at < length; at++) if (blob[start + at] !== bytes[at]) return false
    return true
  }
}
