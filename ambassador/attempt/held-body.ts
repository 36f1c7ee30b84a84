import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { HeldPieces } from '#shared/http/held-pieces.ts'
import { beginsObject } from './object-text.ts'

/** Of an answer too long to be held: usage, and behind it `metadata` of Responses, up to 10 KB. */
const tailBytes = 16 * 1024

/** Holds the beginning of a body: all of it when it is short enough, else it goes on unheld. */
export class HeldBody implements Body, BodySink {
  /** The whole body; undefined once it is longer than the hold. Rejects when it fails inside. */
  readonly filled: Promise<Buffer | undefined>
  readonly #body: Body
  readonly #bytesMax: number
  readonly #held = new HeldPieces()
  #bytes = 0
  #isObject = false
  #tail: Buffer = Buffer.alloc(0)
  readonly #onEnd: (tail: Buffer) => void
  #settle: { resolve(whole: Buffer | undefined): void; reject(error: CallError): void }

  constructor(body: Body, bytesMax: number, onEnd: (tail: Buffer) => void) {
    this.#body = body
    this.#onEnd = onEnd
    this.#bytesMax = bytesMax
    this.#settle = { resolve() {}, reject() {} }
    this.filled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    body.pipe(this)
  }

  /** Of one that is longer than the hold: whether it begins as an object does. */
  get isObject(): boolean {
    return this.#isObject
  }

  write(chunk: Buffer): boolean {
    const isRoomy = this.#held.write(chunk)
    this.#bytes += chunk.length
    if (this.#bytes <= this.#bytesMax) return true
    // Of the first that is too much also what came before it: usage may stand across them.
    const isFirst = this.#tail.length === 0
    const kept = isFirst ? this.#held.whole : chunk
    if (isFirst) this.#isObject = beginsObject(kept)
    this.#keepTail(kept)
    this.#settle.resolve(undefined)
    return isRoomy
  }

  #keepTail(chunk: Buffer): void {
    const joined = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    // Copied: a slice would keep the whole chunk alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
  }

  end(): void {
    if (this.#bytes <= this.#bytesMax) this.#settle.resolve(this.#held.whole)
    else this.#onEnd(this.#tail)
    this.#held.end()
  }

  fail(error: CallError): void {
    this.#settle.reject(error)
    // Nobody may have asked for the rest yet: who does has to hear of it.
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
    this.#body.cancel()
  }
}
