import type { Layer } from '#shared/call/service.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { readUsage, usageObjectInTail } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, type BodySink, bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { HeldPieces } from '#shared/http/held-pieces.ts'
import { firstContentEvent } from '#shared/telemetry/gen-ai.ts'
import type { AmbassadorCall } from '../call.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import { providerOf } from '../provider-of.ts'
import { errorInOwnWords } from '../retry/own-words.ts'
import { CommittingStream } from './committing-stream.ts'
import { meaningOf } from './grammar.ts'
import { letGoUnread } from './let-go.ts'
import { otherModel, providerError, StreamWatch } from './stream-watch.ts'
import { asksForUsage } from './wire-request.ts'

/**
 * Holds an answer until its first content, so that what fails before it is a real status that may
 * be replayed. An answer that is not streamed is held up to the same number of bytes, which shows
 * the false successes of a server that stops. Ends with the body.
 */
export function commit(): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => async (request, context) => {
    const response = await inner(request, context)
    tellHead(response, context)
    if (response.status !== 200 || context.surface?.wants !== 'answer') return response
    const type = header(response.headers, 'content-type') ?? ''
    const isStream = type.startsWith('text/event-stream')
    return isStream ? commitStream(response, request, context) : commitWhole(response, context)
  }
}

/** At once: how an account stands is not to be lost with what the body turns out to hold. */
function tellHead({ status, headers, body }: CallResponse, { onHead }: AmbassadorCall): void {
  if (status >= 400) return
  try {
    onHead?.({ status, headers })
  } catch (defect) {
    body.cancel()
    throw defect
  }
}

async function commitStream(
  response: CallResponse,
  request: CallRequest,
  context: AmbassadorCall,
): Promise<CallResponse> {
  const { clock, resumption } = context
  const dialect = context.surface?.dialect ?? 'chat'
  const { commit: limits, timeouts } = providerOf(context)
  const watch = new StreamWatch(dialect, asksForUsage(request, context), context.adapter)
  // Before its first piece, which may be here already: who looks on below reads it there.
  context.streamWatch = watch
  const stream = new CommittingStream({
    upstream: response.body,
    watch,
    dialect,
    clock,
    call: context.id,
    limits: {
      holdMs: limits.hold,
      holdBytes: limits.holdBytes,
      keepAliveMs: limits.keepAlive,
      firstContentMs: timeouts.firstContent,
    },
    onContent: () => {
      // Of a stream that goes on, the caller has waited for its first part alone.
      const before = resumption?.firstContentMs
      context.firstContentMs = before ?? clock.now() - context.startedMs
      if (before === undefined) context.span?.event(firstContentEvent)
    },
    inOwnWords: (error) => errorInOwnWords(error, context),
    onFailure: (error) => {
      context.error ??= error
    },
    onBreak: resumption === undefined ? undefined : (last) => resumption.onBreak(last),
  })
  await stream.committed
  return { ...response, body: letGoUnread(stream, context.atEnd) }
}

/** The last bytes of an answer too long to be held: usage stands at its end. */
const tailBytes = 8 * 1024

async function commitWhole(response: CallResponse, context: AmbassadorCall): Promise<CallResponse> {
  const { holdBytes } = providerOf(context).commit
  const held = new HeldBody(response.body, holdBytes, (tail) => {
    takeUsage(context, tail)
  })
  const whole = await held.filled
  if (whole === undefined) {
    // Too long to be an empty false success; its usage is read from its end as it passes.
    return { ...response, body: letGoUnread(held, context.atEnd) }
  }
  inspectWhole(whole, context)
  context.isWhole = true
  const headers = [...response.headers]
  if (header(headers, 'content-length') === undefined) {
    headers.push('content-length', String(whole.length))
  }
  return { ...response, headers, body: bytesBody(whole) }
}

/** Takes what the ledger wants from the bytes; an answer is parsed only where one of them is odd. */
function inspectWhole(whole: Buffer, context: AmbassadorCall): void {
  const dialect = context.surface?.dialect ?? 'chat'
  if (!isObjectText(whole)) throw garbage()
  context.finishReason = stringOf(whole, dialect === 'messages' ? 'stop_reason' : 'finish_reason')
  const hasStop = dialect !== 'messages' || context.finishReason !== undefined
  if (!hasStop || whole.includes('"error"') || context.finishReason === 'abort') {
    refuseFalseSuccess(whole, dialect)
  }
  if (context.adapter !== undefined) refuseOther(context.adapter, whole)
  context.firstContentMs = context.clock.now() - context.startedMs
  takeUsage(context, whole)
  context.modelServed = stringOf(whole, 'model')
}

function refuseOther(adapter: string, whole: Buffer): void {
  const other = otherModel(adapter, stringOf(whole, 'model'))
  if (other !== undefined) throw other
}

/** What is used, and what the bill goes by, from the end of an answer. */
function takeUsage(context: AmbassadorCall, tail: Buffer): void {
  const usageObject = usageObjectInTail(tail)
  context.usage = readUsage(usageObject)
  const tier = stringOf(tail, 'service_tier')
  const modifiers = modifiersOf({ service_tier: tier, usage: usageObject })
  context.bill = { modifiers, usageObject }
}

function refuseFalseSuccess(whole: Buffer, dialect: Dialect): void {
  const value = parse(whole)
  if (value === undefined) throw garbage()
  const { error, isAborted } = meaningOf(dialect, value)
  if (error !== undefined) throw providerError(error)
  if (isAborted) {
    throw new CallError('upstream-aborted', 'Cannot finish: the server stopped generating')
  }
}

function garbage(): CallError {
  return new CallError('upstream-garbage', 'Cannot use the answer: it is no JSON')
}

const space = new Set([9, 10, 13, 32])

/** Whether the bytes begin and end as an object does. */
function isObjectText(whole: Buffer): boolean {
  let start = 0
  while (space.has(whole[start] ?? 0)) start++
  let end = whole.length - 1
  while (space.has(whole[end] ?? 0)) end--
  return whole[start] === 123 && whole[end] === 125 && start < end
}

/** The last string under `key`: a quote inside generated text is escaped, so none of it can match. */
function stringOf(whole: Buffer, key: string): string | undefined {
  const mark = `"${key}":`
  const at = whole.lastIndexOf(mark)
  if (at < 0) return undefined
  const text = whole.toString('utf8', at + mark.length, at + mark.length + stringBytesMax)
  return /^\s*"([^"\\]*)"/.exec(text)?.[1]
}

/** A model's name or a reason is shorter. */
const stringBytesMax = 256

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // The caller reports what is not JSON.
    return undefined
  }
}

/** Holds the beginning of a body: all of it when it is short enough, else it goes on unheld. */
class HeldBody implements Body, BodySink {
  /** The whole body; undefined once it is longer than the hold. Rejects when it fails inside. */
  readonly filled: Promise<Buffer | undefined>
  readonly #body: Body
  readonly #bytesMax: number
  readonly #held = new HeldPieces()
  #bytes = 0
  #tail: Buffer = Buffer.alloc(0)
  readonly #onEnd: (tail: Buffer) => void
  #settle: { resolve(whole: Buffer | undefined): void; reject(error: CallError): void }

  constructor(body: Body, bytesMax: number, onEnd: (tail: Buffer) => void) {
    this.#body = body
    this.#onEnd = onEnd
    this.#bytesMax = bytesMax
    this.#settle = { resolve() {}, reject() {} }
    this.filled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    body.pipe(this)
  }

  write(chunk: Buffer): boolean {
    const isRoomy = this.#held.write(chunk)
    this.#bytes += chunk.length
    if (this.#bytes <= this.#bytesMax) return true
    // Of the first that is too much also what came before it: usage may stand across them.
    this.#keepTail(this.#tail.length === 0 ? this.#held.whole : chunk)
    this.#settle.resolve(undefined)
    return isRoomy
  }

  #keepTail(chunk: Buffer): void {
    const joined = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    // Copied: a slice would keep the whole chunk alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
  }

  end(): void {
    if (this.#bytes <= this.#bytesMax) this.#settle.resolve(this.#held.whole)
    else this.#onEnd(this.#tail)
    this.#held.end()
  }

  fail(error: CallError): void {
    this.#settle.reject(error)
    // Nobody may have asked for the rest yet: who does has to hear of it.
    this.#held.fail(error)
  }

  pipe(sink: BodySink): void {
    if (this.#held.pipe(sink)) this.#body.resume()
  }

  resume(): void {
    if (this.#held.resume()) this.#body.resume()
  }

  cancel(): void {
    this.#held.cancel()
    this.#body.cancel()
  }
}
