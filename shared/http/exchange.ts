import type { Dispatcher } from 'undici'
import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from './body.ts'
import { type HeaderList, listed } from './headers.ts'
import { HeldPieces } from './held-pieces.ts'

/** Limits of one exchange and what ends it early. Times in ms. */
export interface ExchangeLimits {
  readonly headMs: number
  /** Longest pause between two reads of the body. */
  readonly idleMs: number
  readonly cancellation: Cancellation
  readonly clock: Clock
  /** Who is called, for messages: `the ambassador 'x'`. */
  readonly peer: string
}

export interface InboundResponse {
  readonly status: number
  readonly headers: HeaderList
  readonly body: Body
  /** Trailers, once the body has ended. */
  trailers(): Readonly<Record<string, string>>
}

/** How the one who asked hears of it. */
export interface Settling {
  resolve(response: InboundResponse): void
  reject(error: CallError): void
  /** Told once: undici holds nothing of the request any more. */
  done(): void
}

/** What arrives before someone reads: one socket read at most, then the socket pauses. */
const earlyBytesMax = 64 * 1024

/** One request and its answer. Waiting → head → ended; each timer lives in one of them. */
export class Exchange implements Dispatcher.DispatchHandler, Body {
  readonly #limits: ExchangeLimits
  readonly #settling: Settling
  #controller: Dispatcher.DispatchController | undefined
  #state: 'waiting' | 'head' | 'ended' = 'waiting'
  readonly #held = new HeldPieces()
  #earlyBytes = 0
  #trailers: Record<string, string> = {}
  #lastReadMs = 0
  #undoTimer: Undo | undefined
  #undoCancel: Undo | undefined
  #isPaused = false
  #isDone = false
  #isWhole = false

  constructor(limits: ExchangeLimits, settling: Settling) {
    this.#limits = limits
    this.#settling = settling
    const { clock, headMs, peer } = limits
    this.#undoTimer = clock.after(headMs, () =>
      this.#abort(
        new CallError('head-timeout', `Cannot get an answer from ${peer}: no head in time`, {
          limitMs: headMs,
        }),
      ),
    )
  }

  /** Whether the answer came to its end in order: its connection may carry another call. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Not in the constructor: a call cancelled already must find the request under way. */
  watchCancellation(): void {
    if (this.#state === 'ended') return
    this.#undoCancel = this.#limits.cancellation.onCancel((reason) => this.#abort(reason))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#state !== 'ended') return
    controller.abort(new Error('cancelled'))
    this.#done()
  }

  /**
   * Informational heads pass unheeded (RFC 9110, 15.2), but for an unasked 100: undici ends the
   * connection before it asks here, and the call fails as a reset does.
   */
  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof listed>[0],
  ): void {
    if (this.#state !== 'waiting') return
    if (status < 100 || status > 599) return this.#abort(this.#garbage(status))
    if (status < 200) return
    // A Buffer for each name and value, which undici would keep as long as the body lasts.
    controller.rawHeaders = null
    this.#state = 'head'
    this.#undoTimer?.()
    this.#lastReadMs = this.#limits.clock.now()
    this.#watchIdle(this.#limits.idleMs)
    this.#settling.resolve({
      status,
      headers: listed(headers),
      body: this,
      trailers: () => this.#trailers,
    })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'ended') return
    this.#lastReadMs = this.#limits.clock.now()
    if (this.#held.write(chunk)) return
    if (!this.#held.hasReader) {
      this.#earlyBytes += chunk.length
      if (this.#earlyBytes < earlyBytesMax) return
    }
    this.#pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: unknown): void {
    this.#isWhole = true
    if (typeof trailers === 'object' && trailers !== null) {
      for (const [name, value] of Object.entries(trailers)) {
        if (typeof value === 'string') this.#trailers[name.toLowerCase()] = value
      }
    }
    this.#finish(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#finish(this.#translate(cause))
    this.#done()
  }

  pipe(sink: BodySink): void {
    if (this.#held.pipe(sink)) this.#goOn()
  }

  resume(): void {
    if (this.#held.resume()) this.#goOn()
  }

  cancel(): void {
    this.#held.cancel()
    if (this.#state === 'ended') return
    this.#release()
    this.#controller?.abort(new Error('cancelled'))
  }

  #goOn(): void {
    if (!this.#isPaused || this.#state === 'ended') return
    this.#isPaused = false
    this.#lastReadMs = this.#limits.clock.now()
    this.#controller?.resume()
  }

  #pause(): void {
    // A sink that refused its chunk may have cancelled as well: nothing is left to pause.
    if (this.#isPaused || this.#state === 'ended') return
    this.#isPaused = true
    this.#controller?.pause()
  }

  #abort(reason: CallError): void {
    if (this.#state === 'ended') return
    this.#finish(reason)
    this.#controller?.abort(new Error('cancelled'))
  }

  #finish(error: CallError | undefined): void {
    const state = this.#state
    if (state === 'ended') return
    this.#release()
    if (state === 'waiting') {
      this.#settling.reject(error ?? this.#translate(new Error('no head')))
    } else if (error === undefined) this.#held.end()
    else this.#held.fail(error)
  }

  #release(): void {
    this.#state = 'ended'
    this.#undoTimer?.()
    this.#undoCancel?.()
    // One that waits for its connection cannot be taken back: undici asks when it has one.
    if (this.#controller !== undefined) this.#done()
  }

  #done(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#settling.done()
  }

  /** One timer per call, asked again at the earliest moment it could be due. */
  #watchIdle(waitMs: number): void {
    const { clock, idleMs, peer } = this.#limits
    this.#undoTimer = clock.after(waitMs, () => {
      const leftMs = this.#isPaused ? idleMs : this.#lastReadMs + idleMs - clock.now()
      if (leftMs > 0) return this.#watchIdle(leftMs)
      return this.#abort(
        new CallError('idle-timeout', `Cannot go on: ${peer} has sent nothing for too long`, {
          limitMs: idleMs,
        }),
      )
    })
  }

  #garbage(status: number): CallError {
    const message = `Cannot use the answer of ${this.#limits.peer}: ${status} is no status`
    return new CallError('upstream-garbage', message, { cause: String(status) })
  }

  #translate(cause: Error): CallError {
    const { peer } = this.#limits
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
    if (code === 'UND_ERR_CONNECT_TIMEOUT') {
      return new CallError('connect-timeout', `Cannot connect to ${peer}: no answer in time`)
    }
    if (code.startsWith('UND_ERR_INVALID_')) {
      // Ours, and nothing of it was sent: the server has no part in it.
      return new CallError('internal', `Cannot write the request to ${peer}: ${code}`, {
        cause: code,
      })
    }
    if (isCertificate(code)) {
      return new CallError('upstream-untrusted', `Cannot trust ${peer}: ${code}`, { cause: code })
    }
    if (this.#controller === undefined) {
      return new CallError('connect-failed', `Cannot connect to ${peer}: ${code}`, { cause: code })
    }
    const isHeadBroken = this.#state === 'waiting' && isNoHead(code)
    const said = isHeadBroken ? 'upstream-garbage' : 'upstream-reset'
    return new CallError(said, `Cannot read the answer of ${peer}: ${code}`, { cause: code })
  }
}

/** Its parser's errors have a name, and mostly a code. */
const noHeads = new Set(['HTTPParserError', 'UND_ERR_HEADERS_OVERFLOW'])

/** What undici says of a head that is none of HTTP/1, or has no end. */
function isNoHead(code: string): boolean {
  return noHeads.has(code) || code.startsWith('HPE_')
}

/** What node's TLS says of a certificate (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
function isCertificate(code: string): boolean {
  return (
    code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
    /^(?:CERT_|CRL_|SELF_SIGNED_|UNABLE_TO_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$|PATH_LENGTH_EXCEEDED$|ERROR_IN_CERT_|ERROR_IN_CRL_)/.test(
      code,
    )
  )
}
