import type { Layer } from '#shared/call/service.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { NotAnObject } from '#shared/dialects/top-level.ts'
import { noUsage, readUsage, usageObjectInTail } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { endToEnd, header } from '#shared/http/headers.ts'
import { firstContentEvent } from '#shared/telemetry/gen-ai.ts'
import type { AmbassadorCall } from '../call.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import { providerOf } from '../provider-of.ts'
import { errorInOwnWords } from '../retry/own-words.ts'
import { CommittingStream } from './committing-stream.ts'
import { meaningOf } from './grammar.ts'
import { HeldBody } from './held-body.ts'
import { letGoUnread } from './let-go.ts'
import type { Meaning } from './meaning.ts'
import { isObjectText } from './object-text.ts'
import { isEvents, refuseOddHead, wantsEvents } from './right-answer.ts'
import { otherModel, providerError, StreamWatch } from './stream-watch.ts'
import { readResponse } from './whole-response.ts'
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
    if (context.surface?.wants !== 'answer') return response
    refuseOddHead(response, context)
    if (response.status !== 200) return response
    return isEvents(response.headers)
      ? commitStream(response, request, context)
      : commitWhole(response, context)
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
  // Its length is not the provider's where it ends early, or an event is left out.
  const headers = endToEnd(response.headers, (name) => name === 'content-length')
  return { ...response, headers, body: letGoUnread(stream, context.atEnd) }
}

async function commitWhole(response: CallResponse, context: AmbassadorCall): Promise<CallResponse> {
  const { holdBytes } = providerOf(context).commit
  const held = new HeldBody(response.body, holdBytes, (tail) => {
    takeUsage(context, tail)
  })
  const whole = await held.filled
  if (whole === undefined) {
    if (wantsEvents(context) || !held.isObject) {
      held.cancel()
      throw garbage()
    }
    // Too long to be an empty false success; its usage is read from its end as it passes.
    return { ...response, body: letGoUnread(held, context.atEnd) }
  }
  inspectWhole(whole, context)
  if (wantsEvents(context)) throw garbage()
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
  if (dialect === 'responses') {
    inspectResponse(whole, context)
    return
  }
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

function inspectResponse(whole: Buffer, context: AmbassadorCall): void {
  const { meaning, isPending, model, usage, tier } = responseIn(whole)
  refuseFailed(meaning)
  const other = otherModel(context.adapter, model)
  if (other !== undefined) throw other
  context.firstContentMs = context.clock.now() - context.startedMs
  context.finishReason = meaning.finishReason
  context.modelServed = model
  // What runs in the background has used its question at least.
  const pending = { ...noUsage, input: context.inputEstimate }
  context.usage = readUsage(usage) ?? (isPending ? pending : undefined)
  context.bill = {
    modifiers: isPending ? [] : modifiersOf({ service_tier: tier, usage }),
    usageObject: usage,
  }
}

function responseIn(whole: Buffer) {
  try {
    return readResponse(whole)
  } catch (error) {
    if (error instanceof NotAnObject) throw garbage()
    throw error
  }
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
  refuseFailed(meaningOf(dialect, value))
}

function refuseFailed({ error, isAborted }: Meaning): void {
  if (error !== undefined) throw providerError(error)
  if (isAborted) {
    throw new CallError('upstream-aborted', 'Cannot finish: the server stopped generating')
  }
}

function garbage(): CallError {
  return new CallError('upstream-garbage', 'Cannot use the answer: it is no JSON')
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
