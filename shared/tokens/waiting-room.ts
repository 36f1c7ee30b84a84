/** Questions that wait at a time. */
const questionsMax = 64
/** Bytes that all of them may hold together: bodies of 32 MiB are the largest by default. */
const bytesMax = 32 * 1024 * 1024

/** What questions hold while they wait to be counted: bounded in number and in bytes. */
export class WaitingRoom {
  #questions = 0
  #bytes = 0

  /** Whether there is room; one alone may be larger than all that may wait together. */
  enter(bytes: number): boolean {
    const isFull = this.#questions >= questionsMax
    if (isFull || (this.#questions > 0 && this.#bytes + bytes > bytesMax)) return false
    this.#questions++
    this.#bytes += bytes
    return true
  }

  /** The same bytes as it entered with. */
  leave(bytes: number): void {
    this.#questions--
    this.#bytes -= bytes
  }
}
