import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from './body.ts'

/**
 * A body that passes as it is: what stands between two layers overrides what it looks at or changes, and
 * calls on to here.
 */
export class ThroughBody implements Body, BodySink {
  readonly #body: Body
  #sink: BodySink | undefined
  #isPiped = false

  constructor(body: Body) {
    this.#body = body
  }

  /** Whether somebody has begun to read it. */
  get isPiped(): boolean {
    return this.#isPiped
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#isPiped = true
    this.#body.pipe(this)
  }

  resume(): void {
    this.#body.resume()
  }

  /** Its reader hears nothing more, though a piece be on its way. */
  cancel(): void {
    this.#sink = undefined
    this.#body.cancel()
  }

  write(chunk: Buffer): boolean {
    return this.#sink?.write(chunk) ?? false
  }

  end(): void {
    this.#sink?.end()
  }

  fail(error: CallError): void {
    this.#sink?.fail(error)
  }
}
