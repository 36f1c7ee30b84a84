/** Where the parts of one answer go. */
export interface ResponseSink {
  head(status: number): void
  data(bytes: Buffer): void
  end(): void
}

const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

/**
 * Reads HTTP/1.1 answers off one keep-alive connection, split anywhere. It knows what the hops of
 * the bench write: a length, or chunks without trailers. Cost: one scan of what frames the bytes.
 */
export class ResponseReader {
  readonly #sink: ResponseSink
  #state: 'head' | 'length' | 'size' | 'chunk' | 'trailer' = 'head'
  /** Bytes of the body or chunk that are to come; a chunk's include its line end. */
  #left = 0
  #kept: Buffer = Buffer.alloc(0)

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  feed(bytes: Buffer): void {
    let rest = this.#kept.length > 0 ? Buffer.concat([this.#kept, bytes]) : bytes
    this.#kept = rest.subarray(rest.length)
    while (rest.length > 0) {
      const next = this.#step(rest)
      if (next === undefined) {
        this.#kept = rest
        return
      }
      rest = next
    }
  }

  /** Takes one part off the front; undefined where it has not come whole. */
  #step(rest: Buffer): Buffer | undefined {
    if (this.#state === 'head') return this.#head(rest)
    if (this.#state === 'length') return this.#length(rest)
    if (this.#state === 'chunk') return this.#chunk(rest)
    const at = rest.indexOf(lineEnd)
    if (at < 0) return undefined
    if (this.#state === 'size') {
      const size = Number.parseInt(rest.toString('latin1', 0, at), 16)
      this.#left = size + lineEnd.length
      this.#state = size === 0 ? 'trailer' : 'chunk'
    } else if (at === 0) this.#end()
    return rest.subarray(at + lineEnd.length)
  }

  #head(rest: Buffer): Buffer | undefined {
    const at = rest.indexOf(headEnd)
    if (at < 0) return undefined
    const head = rest.toString('latin1', 0, at)
    this.#sink.head(Number(head.slice(9, 12)))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.#left = Number(length ?? 0)
    this.#state = length === undefined ? 'size' : 'length'
    if (length !== undefined && this.#left === 0) this.#end()
    return rest.subarray(at + headEnd.length)
  }

  #length(rest: Buffer): Buffer {
    const taken = rest.subarray(0, this.#left)
    this.#left -= taken.length
    this.#sink.data(taken)
    if (this.#left === 0) this.#end()
    return rest.subarray(taken.length)
  }

  #chunk(rest: Buffer): Buffer {
    const taken = rest.subarray(0, this.#left)
    const data = taken.subarray(0, this.#left - lineEnd.length)
    this.#left -= taken.length
    if (data.length > 0) this.#sink.data(data)
    if (this.#left === 0) this.#state = 'size'
    return rest.subarray(taken.length)
  }

  #end(): void {
    this.#state = 'head'
    this.#sink.end()
  }
}
