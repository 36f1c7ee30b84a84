import type { Layer } from '#shared/call/service.ts'
import { dialects } from '#shared/dialects/surfaces.ts'
import { formatUsage, noUsage, type Usage } from '#shared/dialects/usage.ts'
import { causeOf } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { countBytes } from '#shared/http/count-bytes.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'
import { header } from '#shared/http/headers.ts'
import type { Log, Outcome } from '#shared/telemetry/access-log.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import { parseTraceparent } from '#shared/telemetry/traceparent.ts'
import type { Tracer } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from './call.ts'
import type { AmbassadorMetrics } from './telemetry/metrics.ts'

export interface AccountParts {
  readonly log: () => Log
  readonly metrics: AmbassadorMetrics
  readonly tracer: () => Tracer
}

/**
 * Settles the call when its body ends: usage into the trailer, the metrics and the ledger line, the
 * span closed. Whatever the ending, there is one line. Ends with the body.
 */
export function account(parts: AccountParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => async (request, context) => {
    const traceparent = header(request.headers, 'traceparent')
    const span = parts.tracer().start('chat', {
      parent:
        traceparent === undefined
          ? undefined
          : parseTraceparent(traceparent, header(request.headers, 'tracestate')),
      kind: 'server',
    })
    context.span = span
    const id = header(request.headers, 'x-outrigger-call')
    if (id !== undefined && /^[0-9a-f-]{36}$/.test(id)) context.id = id
    const response = await inner(request, context)
    const counted = countBytes(response.body)
    let trailer = ''
    const body = withEnding(counted.body, (ending) => {
      const settled = settle(parts, {
        request,
        context,
        ending,
        status: response.status,
        bytesOut: counted.bytes(),
      })
      trailer = formatUsage(settled.usage, settled.outcome === 'ok')
    })
    return withTrailer({ ...response, body }, context, () => trailer)
  }
}

/** Chunked, whatever the provider sent: a trailer needs it. */
function withTrailer(
  response: CallResponse,
  context: AmbassadorCall,
  trailer: () => string,
): CallResponse {
  const headers: [string, string][] = response.headers.filter(([name]) => name !== 'content-length')
  const length = header(response.headers, 'content-length')
  if (length !== undefined) headers.push(['x-outrigger-content-length', length])
  headers.push(
    ['trailer', 'x-outrigger-usage'],
    ['x-outrigger-call', context.id],
    ['x-outrigger-provider', context.provider],
    ['x-outrigger-attempts', String(context.attempts)],
  )
  if (context.model !== '')
    headers.push(['x-outrigger-model', encodeURI(context.model.toWellFormed())])
  if (context.replica !== undefined) headers.push(['x-outrigger-replica', context.replica])
  return { ...response, headers, trailers: () => [['x-outrigger-usage', trailer()]] }
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
  const usage = usageOf(context, status)
  const model = context.dialect === undefined ? '' : context.model
  const durationMs = context.clock.now() - context.startedMs
  const { metrics } = parts
  metrics.calls.add(1, [context.tenant, context.class, model, context.provider, outcome])
  if (context.error !== undefined) metrics.errors.add(1, [context.error.code])
  countTokens(parts, { context, usage, model })
  observe(parts, { context, model, durationMs, status })
  parts.log().accessLine({
    call: context.id,
    tenant: context.tenant,
    workload: context.workload,
    class: context.class,
    surface: ended.request.path,
    dialect: context.dialect,
    modelAsked: context.modelAsked,
    modelServed: context.streamWatch?.model ?? context.modelServed,
    provider: context.provider,
    inputTokens: usage.input,
    cachedTokens: usage.cached,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    reasoningTokens: usage.reasoning,
    tokensExact: usage.isExact,
    ttftMs: context.firstContentMs,
    durationMs,
    status,
    outcome,
    error: context.error?.code,
    cause: causeOf(context.error),
    attempts: context.attempts,
    bytesIn: ended.request.incoming.declaredBytes ?? 0,
    bytesOut: ended.bytesOut,
    stream: context.isStream,
  })
  closeSpan({ context, usage, status, outcome })
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

/** The provider's own numbers; where none came, what was sent and seen, as an estimate. */
function usageOf(context: AmbassadorCall, status: number): Usage {
  const own = context.usage ?? context.streamWatch?.usage
  const watch = context.streamWatch
  if (own !== undefined) {
    const seen = watch?.contentEvents ?? 0
    // Usage of a stream's begin, and then a cut: events are the least that was generated.
    return watch !== undefined && !watch.isTerminated && seen > own.output
      ? { ...own, output: seen, isExact: false }
      : own
  }
  if (context.attempts === 0 || status >= 400) return { ...noUsage, isExact: true }
  return { ...noUsage, input: context.inputEstimate, output: watch?.contentEvents ?? 0 }
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
  if (context.dialect === undefined) return
  const { operation } = dialects[context.dialect]
  metrics.genAiTokenUsage.observe(usage.input, [operation, context.provider, model, 'input'])
  metrics.genAiTokenUsage.observe(usage.output, [operation, context.provider, model, 'output'])
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
  if (context.dialect === undefined) return
  const { operation } = dialects[context.dialect]
  const failure = context.error?.code ?? (status >= 400 ? String(status) : '')
  const labels = [operation, context.provider, model] as const
  metrics.genAiOperationDuration.observe(durationMs / 1_000, [...labels, failure])
  if (context.isStream && context.firstContentMs !== undefined) {
    metrics.genAiTimeToFirstChunk.observe(context.firstContentMs / 1_000, [...labels])
  }
}

interface Closing {
  readonly context: AmbassadorCall
  readonly usage: Usage
  readonly status: number
  readonly outcome: Outcome
}

function closeSpan({ context, usage, status, outcome }: Closing): void {
  const { span } = context
  if (span === undefined) return
  const operation = context.dialect === undefined ? 'chat' : dialects[context.dialect].operation
  const finishReason = context.streamWatch?.finishReason ?? context.finishReason
  span.set(genAi.operationName, operation)
  span.set(genAi.requestModel, context.model)
  span.set(genAi.requestStream, context.isStream)
  span.set(genAi.responseModel, context.streamWatch?.model ?? context.modelServed)
  span.set(genAi.responseFinishReasons, finishReason === undefined ? undefined : [finishReason])
  span.set(genAi.usageInputTokens, usage.input)
  span.set(genAi.usageOutputTokens, usage.output)
  span.set(genAi.usageCacheReadInputTokens, usage.cached)
  span.set(genAi.tokensExact, usage.isExact)
  span.set(genAi.tenant, context.tenant)
  span.set(genAi.class, context.class)
  span.set(genAi.callId, context.id)
  span.set(genAi.httpResponseStatusCode, status)
  span.set(genAi.outcome, outcome)
  if (context.firstContentMs !== undefined) {
    span.set(genAi.responseTimeToFirstChunk, context.firstContentMs / 1_000)
  }
  if (context.error !== undefined) span.fail(context.error.code, context.error.message)
  span.end()
}
