import { Readable } from 'node:stream'
import type { Undo } from '#shared/call/clock.ts'
import type { CallContext } from '#shared/call/context.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from './call.ts'
import type { BodyLedger } from './receive.ts'

/** Limits of a body that is sent on while it is read. */
export interface UploadLimits {
  readonly bytesMax: number
  /** Longest pause of a caller that could send, in ms. */
  readonly pauseMs: number
  /** All bodies that this process holds. */
  readonly allBytesMax: number
}

/** Changes the bytes on their way. */
export interface UploadFilter {
  /** What goes on of `chunk` and of what was held back; may throw a `CallError`. */
  feed(chunk: Buffer): Buffer
  /** The rest; throws where the body must not end here. */
  end(): Buffer
}

export interface UploadParts {
  readonly request: CallRequest
  readonly context: CallContext
  readonly ledger: BodyLedger
  readonly limits: UploadLimits
}

/** What is read ahead of a slow server, in bytes. */
const aheadBytes = 64 * 1024

/**
 * A request body on its way through: never whole in memory, read as fast as it is taken. It can be sent
 * once. What goes wrong with it ends the call: `body-too-large`, `body-slow`, `bodies-full`,
 * `encoding-unsupported`, `client-left`, and what its filter throws.
 */
export class Upload {
  readonly #parts: UploadParts
  #held: Buffer[] = []
  #heldBytes = 0
  #readBytes = 0
  #isReading = false
  #hasEnded = false
  #isOver = false
  #isPaused = false
  #lastMs = 0
  #undoTimer: Undo | undefined
  #sent: Readable | undefined
  #filter: UploadFilter | undefined
  /** Told of each chunk until it has seen enough. */
  #onHeld: (() => void) | undefined

  constructor(parts: UploadParts) {
    this.#parts = parts
    const { contentEncoding, declaredBytes = 0 } = parts.request.incoming
    if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
      const state = 'one that is sent on while it is read has to come plain'
      throw new CallError('encoding-unsupported', `Cannot read the body: ${state}`)
    }
    if (declaredBytes > parts.limits.bytesMax) throw tooLarge(parts.limits)
    parts.context.atEnd.push(() => this.#stop())
    parts.context.cancellation.onCancel((reason) => this.#fail(reason))
  }

  /** Whether bytes of it are gone: it cannot be sent to anybody else. */
  get isSent(): boolean {
    return this.#sent !== undefined && this.#readBytes > this.#heldBytes
  }

  /** As the head says; undefined where it does not. */
  get declaredBytes(): number | undefined {
    return this.#parts.request.incoming.declaredBytes
  }

  /**
   * Reads until `look` has seen enough of the beginning, all is read, or `bytesMax` are held. They stay
   * held. Rejects with what went wrong.
   */
  async peek(bytesMax: number, look: (chunk: Buffer) => boolean): Promise<void> {
    const { cancellation } = this.#parts.context
    let seen = 0
    await new Promise<void>((resolve, reject) => {
      const undo = cancellation.onCancel(reject)
      const done = () => {
        this.#onHeld = undefined
        undo()
        if (!this.#hasEnded) this.#pause()
        resolve()
      }
      this.#onHeld = () => {
        try {
          for (; seen < this.#held.length; seen++) {
            if (look(this.#held[seen] ?? empty)) return done()
          }
          if (this.#hasEnded || this.#heldBytes >= bytesMax) done()
        } catch (error) {
          undo()
          this.#stop()
          reject(error)
        }
      }
      this.#begin()
    })
    cancellation.check()
  }

  /** The body for one request; `filter` sees all of it, from its first byte. */
  stream(filter?: UploadFilter): Readable {
    this.#filter = filter
    const sent = new Readable({
      highWaterMark: aheadBytes,
      read: () => this.#flow(),
      destroy: (error, done) => {
        // Its server has answered, or is gone: what still comes is nobody's.
        if (this.#sent === sent && this.isSent) this.#stop()
        done(error)
      },
    })
    // Told by the exchange: an error without a listener would end the process.
    sent.on('error', () => {})
    this.#sent = sent
    return sent
  }

  #flow(): void {
    const held = this.#held.splice(0)
    this.#parts.ledger.give(this.#heldBytes)
    this.#heldBytes = 0
    for (const chunk of held) this.#pass(chunk)
    if (this.#hasEnded) this.#finish()
    else if (!this.#isReading) this.#begin()
    else if (!this.#isOver) this.#resume()
  }

  #begin(): void {
    if (this.#isReading) {
      this.#onHeld?.()
      return
    }
    this.#isReading = true
    this.#lastMs = this.#parts.context.clock.now()
    this.#watch(this.#parts.limits.pauseMs)
    this.#parts.request.incoming.read({
      data: (chunk) => this.#take(chunk),
      end: () => {
        this.#hasEnded = true
        this.#undoTimer?.()
        this.#onHeld?.()
        if (this.#sent !== undefined && this.#held.length === 0) this.#finish()
      },
      gone: () => this.#end(new CallError('client-left', 'Cannot read: the caller has left')),
    })
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return
    const { limits, ledger, context } = this.#parts
    this.#lastMs = context.clock.now()
    this.#readBytes += chunk.length
    if (this.#readBytes > limits.bytesMax) return this.#end(tooLarge(limits))
    if (this.#sent !== undefined) return this.#pass(chunk)
    if (!ledger.take(chunk.length, limits.allBytesMax)) {
      const state = 'too many are held already'
      return this.#end(new CallError('bodies-full', `Cannot hold the body: ${state}`))
    }
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    this.#onHeld?.()
    return undefined
  }

  #pass(chunk: Buffer): void {
    try {
      const out = this.#filter === undefined ? chunk : this.#filter.feed(chunk)
      if (out.length > 0 && this.#sent?.push(out) === false) this.#pause()
    } catch (error) {
      this.#broken(error)
    }
  }

  #finish(): void {
    if (this.#isOver) return
    try {
      const rest = this.#filter?.end() ?? empty
      this.#isOver = true
      if (rest.length > 0) this.#sent?.push(rest)
      this.#sent?.push(null)
    } catch (error) {
      this.#broken(error)
    }
  }

  #broken(error: unknown): void {
    if (!(error instanceof CallError)) throw error
    this.#end(error)
  }

  /** Ends the call: whoever answers it hears of nothing else. */
  #end(error: CallError): void {
    if (this.#isOver) return
    this.#fail(error)
    this.#parts.context.cancellation.cancel(error)
  }

  #fail(error: CallError): void {
    const sent = this.#sent
    this.#stop()
    if (this.#isReading && sent !== undefined && !sent.destroyed) sent.destroy(error)
  }

  #stop(): void {
    this.#isOver = true
    this.#undoTimer?.()
    this.#undoTimer = undefined
    this.#parts.ledger.give(this.#heldBytes)
    this.#heldBytes = 0
    this.#held = []
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#parts.request.incoming.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#lastMs = this.#parts.context.clock.now()
    this.#parts.request.incoming.resume()
  }

  /** One timer a body, asked again at the earliest moment it could be due. */
  #watch(waitMs: number): void {
    const { context, limits } = this.#parts
    const { clock } = context
    this.#undoTimer = clock.after(waitMs, () => {
      const leftMs = this.#isPaused ? limits.pauseMs : this.#lastMs + limits.pauseMs - clock.now()
      if (leftMs > 0) return this.#watch(leftMs)
      const facts = { limitMs: limits.pauseMs }
      return this.#end(new CallError('body-slow', 'Cannot read the body: it has stopped', facts))
    })
  }
}

const empty = Buffer.alloc(0)

function tooLarge({ bytesMax }: UploadLimits): CallError {
  const state = `it is over the limit of ${bytesMax} bytes`
  return new CallError('body-too-large', `Cannot read the body: ${state}`, { limitBytes: bytesMax })
}
