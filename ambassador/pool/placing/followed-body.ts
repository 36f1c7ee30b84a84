import type { CallError } from '#shared/errors/call-error.ts'
import type { Body } from '#shared/http/body.ts'
import { ThroughBody } from '#shared/http/through-body.ts'

/** Who looks at an answer as it passes. */
export interface BodyReader {
  /** A piece has been taken by whoever reads the body. */
  read(chunk: Buffer): void
  /** Whoever reads the body takes no more for the time being, or goes on; perhaps more than once. */
  reads(how: 'paused' | 'on'): void
  /** The body has come to its end; before its reader hears of it. */
  complete(): void
  /** The body has ended in whichever way; perhaps more than once. */
  over(): void
}

/** The same body with somebody who looks on. */
export class FollowedBody extends ThroughBody {
  readonly #reader: BodyReader

  constructor(body: Body, reader: BodyReader) {
    super(body)
    this.#reader = reader
  }

  override cancel(): void {
    super.cancel()
    this.#reader.over()
  }

  override write(chunk: Buffer): boolean {
    const isRoomy = super.write(chunk)
    // What comes has not been held up.
    this.#reader.reads('on')
    this.#reader.read(chunk)
    if (!isRoomy) this.#reader.reads('paused')
    return isRoomy
  }

  override resume(): void {
    // Before it: what was held up comes within.
    this.#reader.reads('on')
    super.resume()
  }

  override end(): void {
    try {
      this.#reader.complete()
    } finally {
      // Whatever became of what is learnt from it, the answer is whole.
      this.#reader.over()
      super.end()
    }
  }

  override fail(error: CallError): void {
    this.#reader.over()
    super.fail(error)
  }
}
