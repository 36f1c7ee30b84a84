import type { CallError } from '#shared/errors/call-error.ts'
import type { BodySink } from './body.ts'

/**
 * What of a body comes before its reader, or faster than it reads, in order. While the body lasts, a
 * reader that pauses is given nothing. Its ending waits for nobody and takes along what is held, so
 * that no call lasts longer than its body because it is not read. How much is held is bounded by the
 * one who fills it, which pauses its source.
 */
export class HeldPieces implements BodySink {
  #pieces: Buffer[] = []
  #sink: BodySink | undefined
  #ending: { readonly error: CallError | undefined } | undefined

  get hasReader(): boolean {
    return this.#sink !== undefined
  }

  /** Whether a piece goes straight to its reader. */
  get isClear(): boolean {
    return this.#sink !== undefined && this.#pieces.length === 0
  }

  /** Everything, before there was a reader. */
  get whole(): Buffer {
    const [first] = this.#pieces
    return first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces)
  }

  /** False also for what is held. */
  write(piece: Buffer): boolean {
    if (this.#sink !== undefined && this.#pieces.length === 0) return this.#sink.write(piece)
    this.#pieces.push(piece)
    return false
  }

  end(): void {
    this.#ending = { error: undefined }
    this.#finish()
  }

  fail(error: CallError): void {
    this.#ending = { error }
    this.#finish()
  }

  /** As `resume`. */
  pipe(sink: BodySink): boolean {
    this.#sink = sink
    return this.resume()
  }

  /** Gives on what is held, until the reader pauses. Whether the source may go on. */
  resume(): boolean {
    if (this.#ending !== undefined) this.#finish()
    while (this.#sink !== undefined) {
      const piece = this.#pieces.shift()
      if (piece === undefined) return true
      if (!this.#sink.write(piece)) return false
    }
    return false
  }

  /** Nothing more reaches the reader. */
  cancel(): void {
    this.#sink = undefined
    this.#pieces = []
    this.#ending = undefined
  }

  #finish(): void {
    if (this.#sink === undefined || this.#ending === undefined) return
    const { error } = this.#ending
    const pieces = this.#pieces
    this.#pieces = []
    // Asked for each time: a reader that has had enough cancels.
    for (const piece of pieces) this.#sink?.write(piece)
    const sink = this.#sink
    this.cancel()
    if (error === undefined) sink?.end()
    else sink?.fail(error)
  }
}
