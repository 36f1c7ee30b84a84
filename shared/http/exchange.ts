import type { Dispatcher } from 'undici'
import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from './body.ts'
import { type HeaderList, listed } from './headers.ts'

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
  #sink: BodySink | undefined
  #early: Buffer[] = []
  #earlyBytes = 0
  #outcome: { error: CallError | undefined } | undefined
  #trailers: Record<string, string> = {}
  #lastReadMs = 0
  #undoTimer: Undo | undefined
  #undoCancel: Undo | undefined
  #isPaused = false

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

  /** Not in the constructor: a call cancelled already must find the request under way. */
  watchCancellation(): void {
    if (this.#state === 'ended') return
    this.#undoCancel = this.#limits.cancellation.onCancel((reason) => this.#abort(reason))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#state === 'ended') controller.abort(new Error('cancelled'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof listed>[0],
  ): void {
    if (status < 200 || this.#state !== 'waiting') return
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
    if (this.#sink === undefined) {
      this.#early.push(chunk)
      this.#earlyBytes += chunk.length
      if (this.#earlyBytes >= earlyBytesMax) this.#pause()
    } else if (!this.#sink.write(chunk)) this.#pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: unknown): void {
    if (typeof trailers === 'object' && trailers !== null) {
      for (const [name, value] of Object.entries(trailers)) {
        if (typeof value === 'string') this.#trailers[name.toLowerCase()] = value
      }
    }
    this.#finish(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#finish(this.#translate(cause))
  }

  pipe(sink: BodySink): void {
    if (this.#state === 'ended' && this.#outcome === undefined) return
    this.#sink = sink
    this.#flush()
  }

  resume(): void {
    if (this.#early.length > 0 || this.#outcome !== undefined) this.#flush()
    if (!this.#isPaused || this.#early.length > 0) return
    this.#isPaused = false
    this.#lastReadMs = this.#limits.clock.now()
    this.#controller?.resume()
  }

  cancel(): void {
    this.#sink = undefined
    this.#early = []
    this.#outcome = undefined
    if (this.#state === 'ended') return
    this.#release()
    this.#controller?.abort(new Error('cancelled'))
  }

  #pause(): void {
    // A sink that refused its chunk may have cancelled as well: nothing is left to pause.
    if (this.#isPaused || this.#state === 'ended') return
    this.#isPaused = true
    this.#controller?.pause()
  }

  /** Gives on what came before there was a sink, then an ending that came with it. */
  #flush(): void {
    while (this.#early.length > 0) {
      const chunk = this.#early.shift()
      if (chunk !== undefined && this.#sink?.write(chunk) === false) return
    }
    const outcome = this.#outcome
    const sink = this.#sink
    if (outcome === undefined || sink === undefined) {
      if (this.#isPaused) this.resume()
      return
    }
    this.#outcome = undefined
    this.#sink = undefined
    if (outcome.error === undefined) sink.end()
    else sink.fail(outcome.error)
  }

  #abort(reason: CallError): void {
    if (this.#state === 'ended') return
    this.#finish(reason)
    this.#controller?.abort(new Error('cancelled'))
  }

  #finish(error: CallError | undefined): void {
    const { state, error: shown } = { state: this.#state, error }
    if (state === 'ended') return
    this.#release()
    if (state === 'waiting') {
      this.#settling.reject(shown ?? this.#translate(new Error('no head')))
      return
    }
    this.#outcome = { error: shown }
    // A failure does not wait behind a reader that has stopped reading.
    if (shown !== undefined && this.#sink !== undefined) this.#early = []
    if (this.#early.length === 0) this.#flush()
  }

  #release(): void {
    this.#state = 'ended'
    this.#undoTimer?.()
    this.#undoCancel?.()
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

  #translate(cause: Error): CallError {
    const { peer } = this.#limits
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
    if (code === 'UND_ERR_CONNECT_TIMEOUT') {
      return new CallError('connect-timeout', `Cannot connect to ${peer}: no answer in time`)
    }
    if (isCertificate(code)) {
      return new CallError('upstream-untrusted', `Cannot trust ${peer}: ${code}`, { cause: code })
    }
    if (this.#controller === undefined) {
      return new CallError('connect-failed', `Cannot connect to ${peer}: ${code}`, { cause: code })
    }
    return new CallError('upstream-reset', `Cannot read the answer of ${peer}: ${code}`, {
      cause: code,
    })
  }
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
