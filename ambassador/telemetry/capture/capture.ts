import type { Layer } from '#shared/call/service.ts'
import type { Capture } from '#shared/config/capture-schema.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { parseEvents } from '#shared/http/sse.ts'
import { ThroughBody } from '#shared/http/through-body.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import type { CallSpan } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from '../../call.ts'
import { questionOf } from './input.ts'
import { Fitting } from './message.ts'
import { AnswerText } from './output.ts'
import { Redactor } from './redactor.ts'

/** Longer bodies, and longer answers that are not streamed, are not parsed for this. */
const parsedBytesMax = 2 ** 20

/**
 * Writes what is asked and answered into the span of the call, redacted and cut to size, where the
 * tenant's configuration says so and the call is traced from its beginning. Ends with the body.
 */
export function capture(): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const redactors = new WeakMap<Capture, Redactor>()
  const redactorOf = (wanted: Capture) => {
    const known = redactors.get(wanted) ?? new Redactor(wanted.redact)
    redactors.set(wanted, known)
    return known
  }
  return (inner) => async (request, context) => {
    const wanted = context.snapshot?.config.tenants[context.tenant]?.capture
    const { span, surface } = context
    if (wanted === undefined || span?.isRecording !== true || surface?.wants !== 'answer') {
      return inner(request, context)
    }
    const { dialect } = surface
    const captured = { span, dialect, redactor: redactorOf(wanted), charsMax: wanted.bytesMax }
    captureQuestion(request.body, captured)
    const response = await inner(request, context)
    if (response.status !== 200 || dialect === 'embeddings') return response
    const type = header(response.headers, 'content-type') ?? ''
    const isStream = type.startsWith('text/event-stream')
    return { ...response, body: new CapturedBody(response.body, captured, isStream) }
  }
}

interface Captured {
  readonly span: CallSpan
  readonly dialect: Dialect
  readonly redactor: Redactor
  /** Characters of JSON: as many bytes where the text is ASCII. */
  readonly charsMax: number
}

function captureQuestion(body: Buffer, { span, dialect, redactor, charsMax }: Captured): void {
  const value = body.length > parsedBytesMax ? undefined : parsed(body.toString())
  if (value === undefined) return span.set(genAi.captureCut, true)
  const { system, messages } = questionOf(dialect, value)
  const fitting = new Fitting(redactor, charsMax)
  const json = fitting.messages(messages)
  if (system.length > 0) span.set(genAi.systemInstructions, JSON.stringify(fitting.parts(system)))
  span.set(genAi.inputMessages, json)
  if (fitting.isCut) span.set(genAi.captureCut, true)
}

/** Passes as it is; what it says is told when it ends, in whichever way. */
class CapturedBody extends ThroughBody {
  readonly #captured: Captured
  readonly #isStream: boolean
  readonly #answer: AnswerText
  #pieces: Buffer[] = []
  #bytes = 0
  #hasTold = false

  constructor(body: Body, captured: Captured, isStream: boolean) {
    super(body)
    this.#captured = captured
    this.#isStream = isStream
    // More than is kept, so that what is left out leaves room.
    this.#answer = new AnswerText(captured.dialect, captured.charsMax * 2)
  }

  override write(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#isStream) this.#read(chunk)
    else if (this.#bytes <= parsedBytesMax) this.#pieces.push(chunk)
    return super.write(chunk)
  }

  override end(): void {
    this.#tell()
    super.end()
  }

  override fail(error: Parameters<ThroughBody['fail']>[0]): void {
    this.#tell()
    super.fail(error)
  }

  override cancel(): void {
    this.#tell()
    super.cancel()
  }

  /** Whole events come here; of one that is too long for that nothing is kept. */
  #read(chunk: Buffer): void {
    if (this.#answer.isFull || this.#hasTold || chunk.length > parsedBytesMax) return
    for (const { data } of parseEvents(chunk)) {
      if (data !== undefined && data !== '[DONE]') this.#answer.add(parsed(data))
    }
  }

  #tell(): void {
    if (this.#hasTold) return
    this.#hasTold = true
    const { span, redactor, charsMax } = this.#captured
    const isTooLong = !this.#isStream && this.#bytes > parsedBytesMax
    if (!this.#isStream && !isTooLong) {
      this.#answer.add(parsed(Buffer.concat(this.#pieces).toString()))
    }
    this.#pieces = []
    const fitting = new Fitting(redactor, charsMax)
    span.set(genAi.outputMessages, fitting.messages(this.#answer.messages()))
    if (fitting.isCut || isTooLong) span.set(genAi.captureCut, true)
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    // What is no JSON is answered elsewhere; it is not captured.
    return undefined
  }
}
