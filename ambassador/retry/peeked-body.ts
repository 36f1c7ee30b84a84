import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'

/**
 * A body whose beginning is looked at before it is passed on, byte for byte. Held until it has
 * ended or is longer than `bytesMax`; then it waits for its reader. Ends with the body.
 */
export class PeekedBody implements Body, BodySink {
  /** All of it; undefined where it is longer than the limit or broke off. Never rejects. */
  readonly whole: Promise<Buffer | undefined>
  readonly #body: Body
  readonly #bytesMax: number
  #settle: (whole: Buffer | undefined) => void = () => {}
  #chunks: Buffer[] = []
  #bytes = 0
  #sink: BodySink | undefined
  #end: { readonly error: CallError | undefined } | undefined

  constructor(body: Body, bytesMax: number) {
    this.#body = body
    this.#bytesMax = bytesMax
    this.whole = new Promise((resolve) => {
      this.#settle = resolve
    })
    body.pipe(this)
  }

  write(chunk: Buffer): boolean {
    if (this.#sink !== undefined && this.#chunks.length === 0) return this.#sink.write(chunk)
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes <= this.#bytesMax) return true
    this.#settle(undefined)
    return false
  }

  end(): void {
    if (this.#bytes <= this.#bytesMax) this.#settle(Buffer.concat(this.#chunks))
    this.#end = { error: undefined }
    this.#flush()
  }

  fail(error: CallError): void {
    this.#settle(undefined)
    this.#end = { error }
    this.#flush()
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#flush()
  }

  resume(): void {
    this.#flush()
  }

  cancel(): void {
    this.#sink = undefined
    this.#chunks = []
    this.#settle(undefined)
    this.#body.cancel()
  }

  #flush(): void {
    const sink = this.#sink
    if (sink === undefined) return
    while (this.#chunks.length > 0) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined && !sink.write(chunk)) return
    }
    if (this.#end === undefined) {
      this.#body.resume()
      return
    }
    const { error } = this.#end
    this.#sink = undefined
    if (error === undefined) sink.end()
    else sink.fail(error)
  }
}
