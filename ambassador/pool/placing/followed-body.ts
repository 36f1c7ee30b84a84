import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'

/** Who looks at an answer as it passes. */
export interface BodyReader {
  /** A piece has been taken by whoever reads the body. */
  read(chunk: Buffer): void
  /** The body has come to its end; before its reader hears of it. */
  complete(): void
  /** The body has ended in whichever way; perhaps more than once. */
  over(): void
}

/** The same body with somebody who looks on. */
export class FollowedBody implements Body, BodySink {
  readonly #body: Body
  readonly #reader: BodyReader
  #sink: BodySink | undefined

  constructor(body: Body, reader: BodyReader) {
    this.#body = body
    this.#reader = reader
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#body.pipe(this)
  }

  resume(): void {
    this.#body.resume()
  }

  cancel(): void {
    this.#body.cancel()
    this.#reader.over()
  }

  write(chunk: Buffer): boolean {
    const isRoomy = this.#sink?.write(chunk) ?? false
    this.#reader.read(chunk)
    return isRoomy
  }

  end(): void {
    this.#reader.complete()
    this.#reader.over()
    this.#sink?.end()
  }

  fail(error: CallError): void {
    this.#reader.over()
    this.#sink?.fail(error)
  }
}
