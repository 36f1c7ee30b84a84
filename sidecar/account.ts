import type { Layer } from '#shared/call/service.ts'
import { routeOf, spokenOn } from '#shared/dialects/surfaces.ts'
import { noUsage } from '#shared/dialects/usage.ts'
import { causeOf, toCallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'
import type { Log, Outcome } from '#shared/telemetry/access-log.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import {
  describeEnding,
  isFailure,
  keepFailure,
  startServerSpan,
} from '#shared/telemetry/server-span.ts'
import type { Tracer } from '#shared/telemetry/tracing.ts'
import type { SidecarCall } from './call.ts'
import type { SidecarMetrics } from './telemetry/metrics.ts'

export interface AccountParts {
  readonly log: () => Log
  readonly metrics: SidecarMetrics
  readonly tracer: () => Tracer
}

/**
 * Writes the access line, the metrics and the span of a call when its body ends, whatever the
 * ending, and tells the application the call's id. Ends with the body.
 */
export function account(parts: AccountParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => async (request, context) => {
    context.span = startServerSpan(parts.tracer(), request)
    let answer: CallResponse
    try {
      answer = await inner(request, context)
    } catch (defect) {
      // Past the layer that answers errors: the connection is cut, the call is settled all the same.
      context.error ??= toCallError(defect)
      settle(parts, { request, context, ending: { kind: 'unread' }, status: 500, bytesOut: 0 })
      throw defect
    }
    const { status, headers, body } = answer
    headers.push('x-outrigger-call', context.id)
    const settled = withEnding(body, (ending, bytesOut) =>
      settle(parts, { request, context, ending, status, bytesOut }),
    )
    return { status, headers, body: settled }
  }
}

interface Ended {
  readonly request: CallRequest
  readonly context: SidecarCall
  readonly ending: Ending
  readonly status: number
  readonly bytesOut: number
}

function settle(parts: AccountParts, ended: Ended): void {
  const { request, context, status } = ended
  const { metrics } = parts
  const outcome = outcomeOf(ended)
  const durationMs = context.clock.now() - context.startedMs
  const provider = context.route?.provider ?? ''
  // A model that no route knows is the caller's text, and no label.
  const model = context.route === undefined ? '' : context.modelAsked
  const surface = context.surface?.path ?? storedRoute(request.path) ?? 'other'
  metrics.calls.add(1, [surface, model, provider, outcome])
  metrics.callDuration.observe(durationMs / 1_000, [surface, model, provider, outcome])
  if (context.headMs !== undefined) {
    metrics.timeToFirstByte.observe(context.headMs / 1_000, [surface, model, provider])
  }
  if (context.error !== undefined) metrics.errors.add(1, [context.error.code])
  // What is only counted costs nothing.
  const isSent = context.attempts > 0 && context.surface?.wants === 'answer'
  const isEstimate = context.usage === undefined && isSent
  const usage =
    context.usage ?? (isEstimate ? { ...noUsage, input: context.input.tokens } : noUsage)
  const { input } = context
  if (isSent) metrics.countedTokens.add(input.tokens, [model, input.exactness])
  if (usage.input > 0) metrics.tokens.add(usage.input, [model, 'input'])
  if (usage.output > 0) metrics.tokens.add(usage.output, [model, 'output'])
  parts.log().accessLine({
    call: context.id,
    surface: routeOf(request.path),
    dialect: spokenOn(context.surface),
    modelAsked: context.modelAsked,
    provider,
    countedTokens: isSent ? input.tokens : undefined,
    countedAs: isSent ? input.exactness : undefined,
    inputTokens: usage.input,
    cachedTokens: usage.cached,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    reasoningTokens: usage.reasoning,
    tokensExact: usage.isExact || context.attempts === 0,
    costUsd: usage.cost,
    ttftMs: context.headMs,
    durationMs,
    status,
    outcome,
    error: context.error?.code,
    cause: causeOf(context.error),
    attempts: context.attempts,
    passedOver: context.passedOver.length === 0 ? undefined : context.passedOver.join(', '),
    bytesIn: request.incoming.declaredBytes ?? 0,
    bytesOut: ended.bytesOut,
    stream: context.isStream,
  })
  // Where another target has served, the ambassador that did not has sent its span: this is above it.
  const hasFailed = outcome === 'cut' || context.passedOver.length > 0
  if (hasFailed || isFailure(status, context.error)) keepFailure(context.span, request)
  closeSpan(context, status, outcome)
}

/** Undefined where the path is of no stored response: it is the caller's text then, and no label. */
function storedRoute(path: string): string | undefined {
  const route = routeOf(path)
  return route === path ? undefined : route
}

/** No `gen_ai.*`: the ambassador's span has them, and sums over both would count a call twice. */
function closeSpan(context: SidecarCall, status: number, outcome: Outcome): void {
  const { span } = context
  if (span?.isRecording !== true) return
  span.set(genAi.callId, context.id)
  span.set(genAi.dialect, spokenOn(context.surface))
  if (context.modelAsked !== '') span.set(genAi.modelAsked, context.modelAsked)
  span.set(genAi.attempts, context.attempts)
  span.set(genAi.outcome, outcome)
  describeEnding(span, status, context.error)
  span.end()
}

function outcomeOf({ context, ending, status }: Ended): Outcome {
  if (context.error?.code === 'client-left') return 'client-left'
  if (context.error !== undefined) {
    if (status < 400) return 'cut'
    return context.attempts === 0 ? 'refused' : 'failed'
  }
  if (ending.kind === 'dropped' || ending.kind === 'unread') return 'client-left'
  if (ending.kind === 'failed') return 'cut'
  if (status >= 400) return 'failed'
  return context.isCut ? 'cut' : 'ok'
}
