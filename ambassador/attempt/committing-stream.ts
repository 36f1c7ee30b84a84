import type { Clock, Undo } from '#shared/call/clock.ts'
import { errorEvent } from '#shared/dialects/error-body.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { HeldPieces } from '#shared/http/held-pieces.ts'
import { EventFramer } from '#shared/http/sse.ts'
import type { StreamWatch } from './stream-watch.ts'

/** Times in ms, sizes in bytes. */
export interface CommitLimits {
  readonly holdMs: number
  readonly holdBytes: number
  readonly keepAliveMs: number
  readonly firstContentMs: number
}

interface Parts {
  readonly upstream: Body
  readonly watch: StreamWatch
  readonly dialect: Dialect
  readonly limits: CommitLimits
  readonly clock: Clock
  readonly call: string
  /** Told once, at the first content. */
  readonly onContent: () => void
  /** What the caller is told in place of an error that the provider said in a committed stream. */
  readonly inOwnWords: (error: CallError) => CallError
  /** Told once, why a committed stream ended with an error event or a reset. */
  readonly onFailure: (error: CallError) => void
  /** Where it is there, it is told that event, and the body fails: another stream may go on. */
  readonly onBreak?: ((last: Buffer) => void) | undefined
}

const comment = Buffer.from(': keep-alive\n\n')

/**
 * A provider's stream up to and beyond its commit point. Until the first content (or until the hold
 * runs out) everything is held, and a failure rejects `committed`, so that it becomes a real status
 * and may be replayed. From then on whole events flow unheld, and a failure becomes the dialect's
 * error event; only a cut inside an event over the limit resets the connection. Each piece that its
 * reader gets is whole events, but for those of an event over the limit (`EventFramer` knows them).
 */
export class CommittingStream implements Body, BodySink {
  readonly committed: Promise<void>
  readonly #parts: Parts
  readonly #framer = new EventFramer()
  #state: 'holding' | 'flowing' | 'ended' = 'holding'
  readonly #held = new HeldPieces()
  #heldBytes = 0
  #settle: { resolve(): void; reject(error: CallError): void } = { resolve() {}, reject() {} }
  #undoHold: Undo
  #undoContent: Undo
  #undoKeepAlive: Undo | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    const { clock, limits } = parts
    this.committed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#undoHold = clock.after(limits.holdMs, () => {
      this.#commit()
      this.#keepAlive()
    })
    this.#undoContent = clock.after(limits.firstContentMs, () =>
      this.fail(
        new CallError('first-content-timeout', 'Cannot wait: no content came in time', {
          limitMs: limits.firstContentMs,
        }),
      ),
    )
    parts.upstream.pipe(this)
  }

  write(chunk: Buffer): boolean {
    if (this.#state === 'ended') return false
    const whole = this.#framer.feed(chunk)
    if (whole === undefined) return this.#isRoomy()
    if (this.#framer.isTorn) {
      this.#parts.watch.inspectTorn(whole)
      return this.#pass(whole)
    }
    const hadContent = this.#parts.watch.hasContent
    const { pass, failure, said } = this.#parts.watch.inspect(whole)
    if (failure !== undefined && this.#state === 'holding') return this.#refuse(failure)
    if (!hadContent && this.#parts.watch.hasContent) this.#contentCame()
    const isRoomy = pass.length === 0 ? this.#isRoomy() : this.#pass(pass)
    if (failure === undefined) return isRoomy
    return this.#break(failure, said)
  }

  end(): void {
    if (this.#state === 'ended') return
    const { watch } = this.#parts
    if (!watch.isTerminated || this.#framer.heldBytes > 0) {
      this.fail(
        new CallError(
          'upstream-early-end',
          'Cannot finish: the stream ended before its last event',
        ),
      )
      return
    }
    this.#commit()
    this.#release()
    this.#state = 'ended'
    this.#held.end()
  }

  fail(error: CallError): void {
    if (this.#state === 'ended') return
    if (this.#isSaidWhole()) {
      this.#parts.upstream.cancel()
      this.end()
    } else if (this.#state === 'holding') this.#refuse(error)
    else this.#break(error, undefined)
  }

  pipe(sink: BodySink): void {
    if (this.#held.pipe(sink)) this.#goOn()
  }

  resume(): void {
    if (this.#held.resume()) this.#goOn()
  }

  cancel(): void {
    this.#release()
    this.#state = 'ended'
    this.#held.cancel()
    this.#parts.upstream.cancel()
  }

  #goOn(): void {
    if (this.#state === 'flowing') this.#parts.upstream.resume()
  }

  /** A response has one last event: what breaks behind it is no end of its own. */
  #isSaidWhole(): boolean {
    const { dialect, watch } = this.#parts
    return dialect === 'responses' && watch.isTerminated && this.#framer.heldBytes === 0
  }

  /** While held, the provider may send on; after that the reader sets the pace. */
  #isRoomy(): boolean {
    return this.#state === 'holding' || this.#held.isClear
  }

  #pass(bytes: Buffer): boolean {
    const isRoomy = this.#held.write(bytes)
    // Committed but not yet read: the rest of one socket read at most, then the provider pauses.
    if (this.#state !== 'holding') return isRoomy
    this.#heldBytes += bytes.length
    if (this.#heldBytes >= this.#parts.limits.holdBytes) this.#commit()
    return this.#state === 'holding'
  }

  #contentCame(): void {
    this.#undoContent()
    this.#undoKeepAlive?.()
    this.#parts.onContent()
    this.#commit()
  }

  #commit(): void {
    if (this.#state !== 'holding') return
    this.#state = 'flowing'
    this.#undoHold()
    this.#settle.resolve()
  }

  /** Before the commit point: a status, not an event. */
  #refuse(error: CallError): boolean {
    this.#state = 'ended'
    this.#release()
    this.#held.cancel()
    this.#parts.upstream.cancel()
    this.#settle.reject(error)
    return false
  }

  /**
   * After it: the dialect's error event, and never a clean terminator. `said`: the provider's own,
   * which passes where it tells nothing of the account.
   */
  #break(failure: CallError, said: Buffer | undefined): boolean {
    const error = said === undefined ? failure : this.#parts.inOwnWords(failure)
    this.#parts.onFailure(error)
    this.#parts.upstream.cancel()
    this.#release()
    this.#state = 'ended'
    if (this.#framer.isTorn) {
      this.#held.fail(error)
      return false
    }
    const { call, dialect, onBreak, watch } = this.#parts
    const isSaid = said !== undefined && error === failure
    const { sequence } = watch
    const last = isSaid ? said : errorEvent(dialect, error, { call, sequence })
    if (onBreak === undefined) {
      this.#held.write(last)
      this.#held.end()
    } else {
      onBreak(last)
      this.#held.fail(error)
    }
    return false
  }

  /** Comments from the end of the hold to the first content: an idle limit on the way stays calm. */
  #keepAlive(): void {
    const { clock, limits } = this.#parts
    this.#undoKeepAlive = clock.after(limits.keepAliveMs, () => {
      if (this.#state !== 'flowing') return
      if (this.#held.isClear) this.#held.write(comment)
      this.#keepAlive()
    })
  }

  #release(): void {
    this.#undoHold()
    this.#undoContent()
    this.#undoKeepAlive?.()
  }
}
