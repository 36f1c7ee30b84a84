import type { ServerResponse } from 'node:http'

/**
 * Writes the body of an answer without a length (RFC 9112, 7.1): all that comes in one turn of the event
 * loop as one chunk, and a chunk as one piece. Node's own way is four pieces a chunk, a seventh of what
 * it costs to write an event (measured). Once the head is written; the last chunk and the trailers are node's.
 */
export class ChunkedWriter {
  readonly #response: ServerResponse
  #pieces: Buffer[] = []
  #bytes = 0
  #hasRefused = false
  /** One closure for all turns. */
  readonly #flushLater = () => {
    const { socket } = this.#response
    // Or node would put the write off once more.
    socket?.cork()
    this.#flush()
    socket?.uncork()
  }

  constructor(response: ServerResponse) {
    this.#response = response
    // Node looks at it with each write: from here on it frames nothing.
    response.chunkedEncoding = false
  }

  /** False: `drain` of the response says when to go on. */
  write(piece: Buffer): boolean {
    if (this.#pieces.length === 0) process.nextTick(this.#flushLater)
    this.#pieces.push(piece)
    this.#bytes += piece.length
    const { writableLength, writableHighWaterMark } = this.#response
    this.#hasRefused = writableLength + this.#bytes >= writableHighWaterMark
    return !this.#hasRefused
  }

  /** To be called right before the end of the response: what is left goes out with the last chunk. */
  end(): void {
    this.#flush()
    this.#response.chunkedEncoding = true
  }

  #flush(): void {
    const pieces = this.#pieces
    const bytes = this.#bytes
    this.#pieces = []
    this.#bytes = 0
    // An empty chunk would be the last one.
    if (bytes === 0) return
    const hasRefused = this.#hasRefused
    this.#hasRefused = false
    // What waited before it may have left in this turn: node would then tell nobody to go on.
    if (this.#response.write(chunkOf(pieces, bytes)) && hasRefused) this.#response.emit('drain')
  }
}

const lineFeed = 10
const carriageReturn = 13

/** The size in hexadecimal, then the bytes, each with a line end. */
function chunkOf(pieces: readonly Buffer[], bytes: number): Buffer {
  const size = bytes.toString(16)
  const chunk = Buffer.allocUnsafe(size.length + bytes + 4)
  let at = chunk.write(size, 'latin1')
  chunk[at++] = carriageReturn
  chunk[at++] = lineFeed
  for (const piece of pieces) at += piece.copy(chunk, at)
  chunk[at++] = carriageReturn
  chunk[at] = lineFeed
  return chunk
}
