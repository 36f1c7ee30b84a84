import type { Layer } from '#shared/call/service.ts'
import { dialects } from '#shared/dialects/surfaces.ts'
import { formatUsage, type Usage } from '#shared/dialects/usage.ts'
import { causeOf, toCallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import type { Log, Outcome } from '#shared/telemetry/access-log.ts'
import { isFailure, keepFailure, startServerSpan } from '#shared/telemetry/server-span.ts'
import { ambassadorTiming } from '#shared/telemetry/server-timing.ts'
import type { Tracer } from '#shared/telemetry/tracing.ts'
import { letGoUnread } from './attempt/let-go.ts'
import { billFor } from './bill.ts'
import type { AmbassadorCall } from './call.ts'
import { spentOn } from './limits/quantities.ts'
import type { OutputRatios } from './output-ratios.ts'
import type { Cost } from './prices/cost.ts'
import { formatUsd } from './prices/money.ts'
import { settledUsage } from './settled-usage.ts'
import { closeSpan } from './telemetry/close-span.ts'
import type { AmbassadorMetrics } from './telemetry/metrics.ts'

export interface AccountParts {
  readonly log: () => Log
  readonly metrics: AmbassadorMetrics
  readonly tracer: () => Tracer
  readonly ratios: OutputRatios
}

/**
 * Settles the call when its body ends: usage into the trailer, the metrics and the ledger line, the
 * span closed. Whatever the ending, there is one line. Ends with the body.
 */
export function account(parts: AccountParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => async (request, context) => {
    context.span = startServerSpan(parts.tracer(), request)
    const id = header(request.headers, 'x-outrigger-call')
    context.id = id !== undefined && /^[0-9a-f-]{36}$/.test(id) ? id : context.clock.id()
    let answer: CallResponse
    try {
      answer = await inner(request, context)
    } catch (defect) {
      // Past the layer that answers errors: the connection is cut, the call is settled all the same.
      context.error ??= toCallError(defect)
      settle(parts, { request, context, ending: { kind: 'unread' }, status: 500, bytesOut: 0 })
      throw defect
    }
    return passOn(parts, { request, context, answer })
  }
}

interface Answered {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly answer: CallResponse
}

function passOn(parts: AccountParts, { request, context, answer }: Answered): CallResponse {
  const { status, headers } = answer
  let trailer = ''
  const settled = withEnding(answer.body, (ending, bytesOut) => {
    // An answer too long to be held passes unwatched: only its ending tells of a cut.
    if (ending.kind === 'failed') context.error ??= ending.error
    const { usage, outcome } = settle(parts, { request, context, ending, status, bytesOut })
    trailer = formatUsage(usage, outcome === 'ok')
  })
  const body = letGoUnread(settled, context.atEnd)
  try {
    tell(headers, context)
    if (context.isWhole) {
      headers.push('x-outrigger-usage', formatUsage(settledNow(parts, context, status), true))
      return { status, headers, body }
    }
    const trailers = (): [string, string][] => {
      const usage: [string, string] = ['x-outrigger-usage', trailer]
      const resumed = context.resumption?.count ?? 0
      return resumed === 0 ? [usage] : [usage, ['x-outrigger-resumed', String(resumed)]]
    }
    return { status, headers: chunked(headers, context), body, trailers }
  } catch (defect) {
    // Or its line would say that the caller had left.
    context.error ??= toCallError(defect)
    throw defect
  }
}

/** Who served the call and what took how long, for the sidecar and the application. */
function tell(headers: string[], context: AmbassadorCall): void {
  headers.push('x-outrigger-call', context.id, 'x-outrigger-provider', context.provider)
  headers.push('x-outrigger-attempts', String(context.attempts))
  if (context.model !== '') {
    headers.push('x-outrigger-model', encodeURI(context.model.toWellFormed()))
  }
  if (context.replica !== undefined) headers.push('x-outrigger-replica', context.replica)
  const providerMs = context.attempts === 0 ? undefined : context.providerMs
  const wholeMs = context.clock.now() - context.startedMs + (context.waitedMs ?? 0)
  headers.push('server-timing', ambassadorTiming({ providerMs, wholeMs }))
}

/** The usage of an answer that is on its way comes behind it: a trailer needs a chunked body. */
function chunked(headers: HeaderList, { resumption }: AmbassadorCall): string[] {
  const resumed = resumption === undefined ? '' : ', x-outrigger-resumed'
  const list = ['trailer', `x-outrigger-usage${resumed}`]
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    list.push(name === 'content-length' ? 'x-outrigger-content-length' : name)
    list.push(headers[at + 1] ?? '')
  }
  return list
}

/** Of an answer that is all there before its head goes. */
function settledNow({ ratios }: AccountParts, context: AmbassadorCall, status: number): Usage {
  const usage = settledUsage(context, { status, bytes: 0 }, ratios)
  return withCost(usage, billFor(context, usage))
}

function withCost(usage: Usage, cost: Cost | undefined): Usage {
  if (cost === undefined) return { ...usage, cost: '0' }
  return cost.kind === 'known' ? { ...usage, cost: formatUsd(cost.amount) } : usage
}

interface Ended {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly ending: Ending
  readonly status: number
  readonly bytesOut: number
}

function settle(parts: AccountParts, ended: Ended): { usage: Usage; outcome: Outcome } {
  const { context, status } = ended
  const outcome = outcomeOf(ended)
  const used = settledUsage(context, { status, bytes: ended.bytesOut }, parts.ratios)
  const cost = billFor(context, used)
  const usage = withCost(used, cost)
  const model = context.surface === undefined ? '' : context.model
  const hasReached = context.attempts > context.unreached
  const picoUsd = cost === undefined ? 0n : cost.kind === 'known' ? cost.amount : undefined
  // A shared store that is gone has said so itself; the call is over.
  void context.admission?.end(spentOn({ hasReached, usage, picoUsd }))
  const durationMs = context.clock.now() - context.startedMs
  const { metrics } = parts
  metrics.calls.add(1, [context.tenant, context.class, model, context.provider, outcome])
  if (context.error !== undefined) metrics.errors.add(1, [context.error.code])
  countTokens(parts, { context, usage, model })
  countCost(parts, { context, model, cost })
  observe(parts, { context, model, durationMs, status })
  parts.log().accessLine({
    call: context.id,
    tenant: context.tenant,
    workload: context.workload,
    class: context.class,
    surface: ended.request.path,
    dialect: context.surface?.dialect,
    modelAsked: context.modelAsked,
    modelServed: context.streamWatch?.model ?? context.modelServed,
    provider: context.provider,
    inputTokens: usage.input,
    cachedTokens: usage.cached,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    reasoningTokens: usage.reasoning,
    tokensExact: usage.isExact,
    costUsd: cost === undefined ? undefined : (usage.cost ?? null),
    costExact: cost?.kind === 'known' ? cost.isExact : undefined,
    costBasis: cost?.kind === 'known' ? cost.basis : cost?.reason,
    pricedAt: context.price?.pricedAt,
    ttftMs: context.firstContentMs,
    durationMs,
    status,
    outcome,
    error: context.error?.code,
    cause: causeOf(context.error),
    attempts: context.attempts,
    resumed: context.resumption?.count || undefined,
    bytesIn: ended.request.incoming.declaredBytes ?? 0,
    bytesOut: ended.bytesOut,
    stream: context.isStream,
  })
  if (outcome === 'cut' || isFailure(status, context.error))
    keepFailure(context.span, ended.request)
  if (context.span?.isRecording === true) closeSpan({ context, usage, status, outcome })
  return { usage, outcome }
}

function outcomeOf({ context, ending, status }: Ended): Outcome {
  if (context.error?.code === 'client-left') return 'client-left'
  if (context.error === undefined && (ending.kind === 'dropped' || ending.kind === 'unread')) {
    return 'client-left'
  }
  if (context.error !== undefined) {
    if (status < 400) return 'cut'
    return context.attempts === 0 ? 'refused' : 'failed'
  }
  if (ending.kind === 'failed') return 'cut'
  return status < 400 ? 'ok' : 'failed'
}

interface Settled {
  readonly context: AmbassadorCall
  readonly usage: Usage
  readonly model: string
}

function countTokens({ metrics }: AccountParts, { context, usage, model }: Settled): void {
  const exactness = usage.isExact ? 'exact' : 'estimate'
  const counts = [
    ['input', usage.input],
    ['cached', usage.cached],
    ['cache_write', usage.cacheWrite],
    ['output', usage.output],
    ['reasoning', usage.reasoning],
  ] as const
  for (const [type, count] of counts) {
    if (count === 0) continue
    const labels = [context.tenant, context.class, model, context.provider] as const
    metrics.tokens.add(count, [...labels, type, exactness])
  }
  if (context.surface?.wants !== 'answer') return
  const { operation } = dialects[context.surface.dialect]
  metrics.genAiTokenUsage.observe(usage.input, [operation, context.provider, model, 'input'])
  metrics.genAiTokenUsage.observe(usage.output, [operation, context.provider, model, 'output'])
}

interface Charged {
  readonly context: AmbassadorCall
  readonly model: string
  readonly cost: Cost | undefined
}

function countCost({ metrics }: AccountParts, { context, model, cost }: Charged): void {
  if (cost === undefined) return
  const { tenant, class: callClass, provider } = context
  if (cost.kind === 'unknown') {
    metrics.costUnknown.add(1, [model, provider, cost.reason])
    return
  }
  const exactness = cost.isExact ? 'exact' : 'estimate'
  const labels = [tenant, callClass, model, provider, exactness] as const
  metrics.cost.add(Number(cost.amount) / picoPerUsd, [...labels])
}

/** A metric is a number of base two; the ledger line has the exact one. */
const picoPerUsd = 1e12

interface Observed {
  readonly context: AmbassadorCall
  readonly model: string
  readonly durationMs: number
  readonly status: number
}

function observe(
  { metrics }: AccountParts,
  { context, model, durationMs, status }: Observed,
): void {
  if (context.surface?.wants !== 'answer') return
  const { operation } = dialects[context.surface.dialect]
  const failure = context.error?.code ?? (status >= 400 ? String(status) : '')
  const labels = [operation, context.provider, model] as const
  metrics.genAiOperationDuration.observe(durationMs / 1_000, [...labels, failure])
  if (context.isStream && context.firstContentMs !== undefined) {
    metrics.genAiTimeToFirstChunk.observe(context.firstContentMs / 1_000, [...labels])
  }
}
