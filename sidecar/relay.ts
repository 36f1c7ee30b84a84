import { errorEvent } from '#shared/dialects/error-body.ts'
import { lastSequence } from '#shared/dialects/sequence.ts'
import { parseUsage, type Usage, usageInTail } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import type { InboundResponse } from '#shared/http/client.ts'
import { header } from '#shared/http/headers.ts'
import { LastPieces } from '#shared/http/last-pieces.ts'
import { EventFramer } from '#shared/http/sse.ts'
import type { SidecarCall } from './call.ts'

/**
 * The ambassador's answer on its way to the application. Of a stream, whole events pass, and a cut
 * becomes the dialect's error event; everything else passes byte for byte, and a cut resets.
 */
export function relay(response: InboundResponse, context: SidecarCall): Body {
  const type = header(response.headers, 'content-type') ?? ''
  const isEvents = response.status === 200 && type.startsWith('text/event-stream')
  return isEvents ? new EventRelay(response, context) : new PlainRelay(response, context)
}

/** Where usage is looked for when no trailer came. */
const tailBytes = 8 * 1024

class PlainRelay implements Body, BodySink {
  protected readonly response: InboundResponse
  protected readonly context: SidecarCall
  protected sink: BodySink | undefined
  readonly #tail = new LastPieces(tailBytes)

  constructor(response: InboundResponse, context: SidecarCall) {
    this.response = response
    this.context = context
  }

  pipe(sink: BodySink): void {
    this.sink = sink
    this.response.body.pipe(this)
  }

  resume(): void {
    this.response.body.resume()
  }

  cancel(): void {
    this.response.body.cancel()
  }

  write(chunk: Buffer): boolean {
    this.#tail.take(chunk)
    return this.sink?.write(chunk) ?? false
  }

  end(): void {
    const told =
      header(this.response.headers, 'x-outrigger-usage') ??
      this.response.trailers()['x-outrigger-usage']
    // nginx and Envoy strip trailers: the end of the answer has the same numbers.
    this.context.usage = told === undefined ? this.#ownUsage(this.tail()) : parseUsage(told)
    // The stream ends cleanly behind its error event; the ambassador knows that it is not whole.
    this.context.isCut = told?.endsWith(';cut') === true
    this.sink?.end()
  }

  fail(error: CallError): void {
    this.context.error ??= error
    this.sink?.fail(error)
  }

  /** The last bytes that came. */
  protected tail(): Buffer {
    return this.#tail.bytes()
  }

  /** Anthropic names the input at the beginning of a stream, which is gone by its end. */
  #ownUsage(tail: Buffer): Usage | undefined {
    const usage = usageInTail(tail)
    if (usage === undefined || usage.input > 0) return usage
    return { ...usage, input: this.context.input.tokens, isExact: false }
  }
}

class EventRelay extends PlainRelay {
  readonly #framer = new EventFramer()

  override write(chunk: Buffer): boolean {
    const whole = this.#framer.feed(chunk)
    return whole === undefined ? true : super.write(whole)
  }

  /** Intermediaries end in order what broke behind them. */
  override end(): void {
    if (this.#framer.heldBytes === 0 && !this.#framer.isTorn) super.end()
    else this.fail(new CallError('upstream-early-end', 'Cannot finish: it ended inside an event'))
  }

  override fail(error: CallError): void {
    this.context.error ??= error
    if (this.#framer.isTorn) {
      this.sink?.fail(error)
      return
    }
    const { id: call, surface } = this.context
    const sequence = (lastSequence(this.tail()) ?? -1) + 1
    this.sink?.write(errorEvent(surface?.dialect ?? 'chat', error, { call, sequence }))
    this.sink?.end()
  }
}
