import type { CallError } from '#shared/errors/call-error.ts'
import type { Body } from './body.ts'
import { ThroughBody } from './through-body.ts'

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

class WatchedBody extends ThroughBody {
  readonly #onEnding: OnEnding
  #hasEnded = false
  #bytes = 0

  constructor(body: Body, onEnding: OnEnding) {
    super(body)
    this.#onEnding = onEnding
  }

  override cancel(): void {
    super.cancel()
    this.#finish({ kind: this.isPiped ? 'dropped' : 'unread' })
  }

  override write(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    return super.write(chunk)
  }

  // The verdict comes before the sink hears of the end: a trailer written there can tell of it.
  override end(): void {
    this.#finish({ kind: 'complete' })
    super.end()
  }

  override fail(error: CallError): void {
    this.#finish({ kind: 'failed', error })
    super.fail(error)
  }

  #finish(ending: Ending): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnding(ending, this.#bytes)
  }
}
