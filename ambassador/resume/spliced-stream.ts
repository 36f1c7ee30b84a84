import type { Clock, Undo } from '#shared/call/clock.ts'
import { type CallError, toCallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'

/** What comes behind a stream that broke. */
export type Next =
  /** The same answer from another server. */
  | { readonly kind: 'goes-on'; readonly body: Body }
  /** The caller's last events. */
  | { readonly kind: 'ends'; readonly last: Buffer }
  | { readonly kind: 'fails'; readonly error: CallError }

interface Parts {
  readonly first: Body
  /** What of a piece is passed on; empty for nothing. */
  readonly take: (piece: Buffer) => Buffer
  readonly after: (error: CallError) => Next | Promise<Next>
  /** Told that the reader has left while the next server was looked for. */
  readonly onLeft: () => void
  readonly clock: Clock
  /** Between comments while there is no server, in ms. */
  readonly keepAliveMs: number
}

const comment = Buffer.from(': keep-alive\n\n')

/**
 * A stream that may have several sources, one after the other: where one breaks, it asks what comes
 * next. A reader that pauses is given nothing meanwhile; comments keep its connection alive.
 */
export class SplicedStream implements Body, BodySink {
  readonly #parts: Parts
  #source: Body
  #state: 'flowing' | 'between' | 'ended' = 'flowing'
  #sink: BodySink | undefined
  #isPaused = false
  /** Came after the reader had paused: what a source held when it broke. */
  #waiting: Buffer[] = []
  #undoComment: Undo | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#source = parts.first
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#source.pipe(this)
  }

  resume(): void {
    this.#isPaused = false
    while (this.#waiting.length > 0 && !this.#isPaused) this.#give(this.#waiting.shift())
    if (!this.#isPaused && this.#state === 'flowing') this.#source.resume()
  }

  cancel(): void {
    const wasBetween = this.#state === 'between'
    this.#finish()
    this.#sink = undefined
    this.#waiting = []
    this.#source.cancel()
    if (wasBetween) this.#parts.onLeft()
  }

  write(piece: Buffer): boolean {
    if (this.#state !== 'flowing') return false
    const passed = this.#parts.take(piece)
    if (passed.length === 0) return !this.#isPaused
    if (this.#isPaused) this.#waiting.push(passed)
    else this.#give(passed)
    return !this.#isPaused
  }

  end(): void {
    if (this.#state !== 'flowing') return
    this.#close(undefined)
  }

  fail(error: CallError): void {
    if (this.#state !== 'flowing') return
    this.#state = 'between'
    const next = this.#begin(error)
    if (!(next instanceof Promise)) {
      this.#follow(next)
      return
    }
    this.#keepAlive()
    void this.#await(next)
  }

  /** A defect is thrown at nobody: the socket that failed would take the process along. */
  #begin(error: CallError): Next | Promise<Next> {
    try {
      return this.#parts.after(error)
    } catch (defect) {
      return { kind: 'fails', error: toCallError(defect) }
    }
  }

  async #await(next: Promise<Next>): Promise<void> {
    try {
      this.#follow(await next)
    } catch (defect) {
      this.#follow({ kind: 'fails', error: toCallError(defect) })
    }
  }

  #follow(next: Next): void {
    if (this.#state === 'ended') {
      if (next.kind === 'goes-on') next.body.cancel()
      return
    }
    this.#undoComment?.()
    if (next.kind === 'goes-on') {
      this.#state = 'flowing'
      this.#source = next.body
      next.body.pipe(this)
      return
    }
    if (next.kind === 'ends' && next.last.length > 0) this.#waiting.push(next.last)
    this.#close(next.kind === 'fails' ? next.error : undefined)
  }

  #give(piece: Buffer | undefined): void {
    if (piece === undefined || this.#sink === undefined) return
    this.#isPaused = !this.#sink.write(piece)
  }

  #keepAlive(): void {
    const { clock, keepAliveMs } = this.#parts
    this.#undoComment = clock.after(keepAliveMs, () => {
      if (!this.#isPaused) this.#give(comment)
      if (this.#state === 'between') this.#keepAlive()
    })
  }

  /** The ending waits for nobody and takes along what is held. */
  #close(error: CallError | undefined): void {
    this.#finish()
    for (const piece of this.#waiting.splice(0)) this.#sink?.write(piece)
    const sink = this.#sink
    this.#sink = undefined
    if (error === undefined) sink?.end()
    else sink?.fail(error)
  }

  #finish(): void {
    this.#state = 'ended'
    this.#undoComment?.()
  }
}
