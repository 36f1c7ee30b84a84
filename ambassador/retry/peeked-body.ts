import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { HeldPieces } from '#shared/http/held-pieces.ts'

/**
 * A body whose beginning is looked at before it is passed on, byte for byte. Held until it has
 * ended or is longer than `bytesMax`; then it waits for its reader. Ends with the body.
 */
export class PeekedBody implements Body, BodySink {
  /** All of it; undefined where it is longer than the limit or broke off. Never rejects. */
  readonly whole: Promise<Buffer | undefined>
  readonly #body: Body
  readonly #bytesMax: number
  readonly #held = new HeldPieces()
  #settle: (whole: Buffer | undefined) => void = () => {}
  #bytes = 0

  constructor(body: Body, bytesMax: number) {
    this.#body = body
    this.#bytesMax = bytesMax
    this.whole = new Promise((resolve) => {
      this.#settle = resolve
    })
    body.pipe(this)
  }

  write(chunk: Buffer): boolean {
    const isRoomy = this.#held.write(chunk)
    if (this.#held.hasReader) return isRoomy
    this.#bytes += chunk.length
    if (this.#bytes <= this.#bytesMax) return true
    this.#settle(undefined)
    return false
  }

  end(): void {
    if (this.#bytes <= this.#bytesMax) this.#settle(this.#held.whole)
    this.#held.end()
  }

  fail(error: CallError): void {
    this.#settle(undefined)
    this.#held.fail(error)
  }

  pipe(sink: BodySink): void {
    if (this.#held.pipe(sink)) this.#body.resume()
  }

  resume(): void {
    if (this.#held.resume()) this.#body.resume()
  }

  cancel(): void {
    this.#held.cancel()
    this.#settle(undefined)
    this.#body.cancel()
  }
}
