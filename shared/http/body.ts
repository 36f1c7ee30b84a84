import type { CallError } from '#shared/errors/call-error.ts'

/** Takes a body chunk by chunk. After `end` or `fail` nothing follows. */
export interface BodySink {
  /** False: the source pauses until `resume`. Its ending does not, nor what it held until then. */
  write(chunk: Buffer): boolean
  end(): void
  fail(error: CallError): void
}

/** A body on its way: pushed, with backpressure, to at most one sink. */
export interface Body {
  /** Starts the flow; at most once. */
  pipe(sink: BodySink): void
  /** Goes on after a `write` that returned false. */
  resume(): void
  /** Releases the source; nothing reaches the sink afterwards. Any number of times. */
  cancel(): void
}

/** A body that is all there. Empty bytes give a body that only ends. */
export function bytesBody(bytes: Buffer): Body {
  let isCancelled = false
  return {
    pipe(sink) {
      if (bytes.length > 0 && !isCancelled) sink.write(bytes)
      if (!isCancelled) sink.end()
    },
    resume() {},
    cancel() {
      isCancelled = true
    },
  }
}

/** Reads a whole body of at most `bytesMax`; undefined when it is longer (and cancelled). */
export function readBody(body: Body, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    body.pipe({
      write(chunk) {
        length += chunk.length
        if (length <= bytesMax) {
          chunks.push(chunk)
          return true
        }
        body.cancel()
        resolve(undefined)
        return false
      },
      end: () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)),
      fail: reject,
    })
  })
}

/** Longest rest of an answer that is read for its connection's sake: an error says less. */
const discardBytesMax = 64 * 1024

/** Reads a body that nobody wants to its end, so that its connection carries on; a long one is cut. */
export function discard(body: Body): void {
  let length = 0
  body.pipe({
    write(chunk) {
      length += chunk.length
      if (length <= discardBytesMax) return true
      body.cancel()
      return false
    },
    end() {},
    fail() {},
  })
}

/** Bytes that are to be kept for a while: a small piece of a large read would keep all of it. */
export function compact(chunk: Buffer): Buffer {
  const { byteLength } = chunk.buffer
  // A copy out of node's pool would land in the pool again.
  return byteLength > Buffer.poolSize && chunk.length * 2 < byteLength ? Buffer.from(chunk) : chunk
}
