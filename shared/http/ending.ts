import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from './body.ts'

/** How a body ended: read to its end, failed, dropped half-way, or never read at all. */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed'; readonly error: CallError }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'unread' }

/**
 * The same body; `onEnding` runs exactly once, at whichever of the four endings comes, and is told
 * how many bytes had passed. Spans and verdicts that must last as long as the body are given here.
 */
export function withEnding(body: Body, onEnding: OnEnding): Body {
  return new WatchedBody(body, onEnding)
}

export type OnEnding = (ending: Ending, bytes: number) => void

class WatchedBody implements Body, BodySink {
  readonly #body: Body
  readonly #onEnding: OnEnding
  #sink: BodySink | undefined
  #hasEnded = false
  #bytes = 0

  constructor(body: Body, onEnding: OnEnding) {
    this.#body = body
    this.#onEnding = onEnding
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
    this.#finish({ kind: this.#sink === undefined ? 'unread' : 'dropped' })
  }

  write(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    return this.#sink?.write(chunk) ?? false
  }

  // The verdict comes before the sink hears of the end: a trailer written there can tell of it.
  end(): void {
    this.#finish({ kind: 'complete' })
    this.#sink?.end()
  }

  fail(error: CallError): void {
    this.#finish({ kind: 'failed', error })
    this.#sink?.fail(error)
  }

  #finish(ending: Ending): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnding(ending, this.#bytes)
  }
}
