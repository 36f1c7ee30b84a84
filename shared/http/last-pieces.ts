const nothing = Buffer.alloc(0)

/** A stream's pieces are of a size, more or less: room that grows by doubling is allocated twice or so. */
const roomBytesMin = 256

/**
 * The last two pieces of a body, of each at most its last `bytesMax` bytes: where usage stands.
 * They are copied to the same room again and again. Pieces that a stream holds until its next ones
 * come grow old, and with them all that shares their memory: 2,000 streams would leave all their
 * bytes to the next collection of the whole heap.
 */
export class LastPieces {
  readonly #bytesMax: number
  /** As it is: most bodies that are no streams have no second one. */
  #first: Buffer | undefined
  readonly #rooms = [nothing, nothing]
  readonly #lengths = [0, 0]
  /** Of the last piece. */
  #at = 0
  #hasBegun = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  take(piece: Buffer): void {
    const end = piece.length > this.#bytesMax ? piece.subarray(-this.#bytesMax) : piece
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#first = end
      return
    }
    if (this.#first !== undefined) this.#copy(this.#first)
    this.#first = undefined
    this.#copy(end)
  }

  /** At most the last `bytesMax` bytes of both. */
  bytes(): Buffer {
    if (this.#first !== undefined) return this.#first
    const pieces = [1 - this.#at, this.#at].map((at) =>
      this.#rooms[at]?.subarray(0, this.#lengths[at]),
    )
    return Buffer.concat(pieces.map((piece) => piece ?? nothing)).subarray(-this.#bytesMax)
  }

  #copy(piece: Buffer): void {
    this.#at = 1 - this.#at
    let room = this.#rooms[this.#at] ?? nothing
    if (room.length < piece.length) {
      const doubled = Math.max(roomBytesMin, 2 ** Math.ceil(Math.log2(piece.length)))
      // Not of node's pool, which it would keep.
      room = Buffer.allocUnsafeSlow(Math.min(doubled, this.#bytesMax))
      this.#rooms[this.#at] = room
    }
    this.#lengths[this.#at] = piece.copy(room)
  }
}
