import type { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from './body.ts'

/** How a body ended: read to its end, failed, dropped half-way, or never read at all. */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed'; readonly error: CallError }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'unread' }

/**
 * The same body; `onEnding` runs exactly once, at whichever of the four endings comes. Places,
 * timers, spans and verdicts that must last as long as the body are undone here.
 */
export function withEnding(body: Body, onEnding: (ending: Ending) => void): Body {
  return new WatchedBody(body, onEnding)
}

class WatchedBody implements Body, BodySink {
  readonly #body: Body
  readonly #onEnding: (ending: Ending) => void
  #sink: BodySink | undefined
  #hasEnded = false

  constructor(body: Body, onEnding: (ending: Ending) => void) {
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
    this.#onEnding(ending)
  }
}
