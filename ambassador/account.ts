import type { Layer } from '#shared/call/service.ts'
import { operationOf, routeOf, spokenOn } from '#shared/dialects/surfaces.ts'
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
import { countUsage, type UsageLabels } from './count-usage.ts'
import { spentOn } from './limits/quantities.ts'
import type { OutputRatios } from './output-ratios.ts'
import type { Cost } from './prices/cost.ts'
import { formatUsd } from './prices/money.ts'
import { runsOn, settledUsage } from './settled-usage.ts'
import type { BackgroundBook } from './stored/background-book.ts'
import { holderOf } from './stored/holder.ts'
import { closeSpan } from './telemetry/close-span.ts'
import type { AmbassadorMetrics } from './telemetry/metrics.ts'

export interface AccountParts {
  readonly log: () => Log
  readonly metrics: AmbassadorMetrics
  readonly tracer: () => Tracer
  readonly ratios: OutputRatios
  /** Responses that run on when their call has ended. */
  readonly background: BackgroundBook
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
      headers.push('x-outrigger-usage', formatUsage(settledNow(parts, context, answer), true))
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
function settledNow(
  { ratios }: AccountParts,
  context: AmbassadorCall,
  { status, headers }: CallResponse,
): Usage {
  // It is held whole, and says how long it is.
  const bytes = Number(header(headers, 'content-length') ?? 0)
  const usage = settledUsage(context, { status, bytes }, ratios)
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
  const told = toldBy(context, { usage, cost })
  if (context.error !== undefined) metrics.errors.add(1, [context.error.code])
  const { class: callClass, provider, surface, tenant } = context
  const labels = { tenant, class: callClass, model, provider, surface }
  // Of what is held until its usage is known, the metrics tell then.
  if (!holdsEstimate(parts, { context, status, labels, usage: used, cost }))
    countUsage(metrics, labels, { usage, cost })
  observe(parts, { context, model, durationMs, status })
  parts.log().accessLine({
    call: context.id,
    tenant: context.tenant,
    workload: context.workload,
    class: context.class,
    surface: routeOf(ended.request.path),
    dialect: spokenOn(context.surface),
    modelAsked: context.modelAsked,
    modelServed: context.streamWatch?.model ?? context.modelServed,
    provider: context.provider,
    settles: context.late?.call,
    inputTokens: told.usage.input,
    cachedTokens: told.usage.cached,
    cacheWriteTokens: told.usage.cacheWrite,
    outputTokens: told.usage.output,
    reasoningTokens: told.usage.reasoning,
    tokensExact: told.usage.isExact,
    costUsd: told.cost === undefined ? undefined : (told.usage.cost ?? null),
    costExact: told.cost?.kind === 'known' ? told.cost.isExact : undefined,
    costBasis: told.cost?.kind === 'known' ? told.cost.basis : told.cost?.reason,
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

interface Spent {
  readonly usage: Usage
  readonly cost: Cost | undefined
}

/** Of the line: an answer that settles an earlier call tells what that has used beyond its estimate. */
function toldBy({ late }: AmbassadorCall, own: Spent): Spent {
  return late === undefined ? own : { usage: withCost(late.usage, late.cost), cost: late.cost }
}

interface Estimated extends Spent {
  readonly context: AmbassadorCall
  readonly status: number
  readonly labels: UsageLabels
}

/** Takes note of what is charged for a response that runs on, so that it is put right. */
function holdsEstimate({ background: book }: AccountParts, estimated: Estimated): boolean {
  const { context, status, labels, usage, cost } = estimated
  const { admission, background, earlier, id: call, price, seller } = context
  if (background?.id === undefined || !runsOn(context, status)) return false
  const estimate = { call, labels, price, seller, usage, earlier, cost, admission }
  book.hold(holderOf(context), background.id, estimate)
  return true
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
  const { surface } = context
  if (surface === undefined || surface.wants === 'count') return
  const operation = operationOf(surface)
  const failure = context.error?.code ?? (status >= 400 ? String(status) : '')
  const labels = [operation, context.provider, model] as const
  metrics.genAiOperationDuration.observe(durationMs / 1_000, [...labels, failure])
  if (context.isStream && context.firstContentMs !== undefined) {
    metrics.genAiTimeToFirstChunk.observe(context.firstContentMs / 1_000, [...labels])
  }
}
