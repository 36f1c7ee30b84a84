import { operationOf } from '#shared/dialects/surfaces.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { Outcome } from '#shared/telemetry/access-log.ts'
import { genAi, spanName } from '#shared/telemetry/gen-ai.ts'
import { describeEnding } from '#shared/telemetry/server-span.ts'
import type { CallSpan } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from '../call.ts'
import { profileOf } from '../providers/profile.ts'

export interface Closing {
  readonly context: AmbassadorCall
  readonly usage: Usage
  readonly status: number
  readonly outcome: Outcome
}

/**
 * Ends the ambassador's span with what the call was and used. Usage stands here and not at the
 * attempts: it is settled once, and sums over spans must not double.
 */
export function closeSpan({ context, usage, status, outcome }: Closing): void {
  const { span } = context
  if (span === undefined) return
  if (context.surface !== undefined) {
    const operation = operationOf(context.surface)
    span.rename(spanName(operation, context.model))
    span.set(genAi.operationName, operation)
    if (context.model !== '') span.set(genAi.requestModel, context.model)
    span.set(genAi.requestStream, context.isStream)
  }
  const provider = context.snapshot?.config.providers[context.provider]
  if (provider !== undefined) span.set(genAi.providerName, profileOf(provider).telemetryName)
  if (context.attempts > 0) setAnswer(span, context)
  if (context.attempts > 0 && status < 400 && context.surface?.wants !== 'count')
    setUsage(span, context, usage)
  span.set(genAi.tenant, context.tenant)
  if (context.workload !== '') span.set(genAi.workload, context.workload)
  span.set(genAi.class, context.class)
  span.set(genAi.callId, context.id)
  span.set(genAi.attempts, context.attempts)
  span.set(genAi.replica, context.replica)
  span.set(genAi.outcome, outcome)
  span.set(genAi.resumed, context.resumption?.count || undefined)
  describeEnding(span, status, context.error)
  span.end()
}

function setAnswer(span: CallSpan, context: AmbassadorCall): void {
  const finishReason = context.streamWatch?.finishReason ?? context.finishReason
  span.set(genAi.responseModel, context.streamWatch?.model ?? context.modelServed)
  span.set(genAi.responseFinishReasons, finishReason === undefined ? undefined : [finishReason])
  // The conventions have it for streams alone: a whole answer has no first chunk.
  if (context.isStream && context.firstContentMs !== undefined) {
    span.set(genAi.responseTimeToFirstChunk, context.firstContentMs / 1_000)
  }
}

function setUsage(span: CallSpan, { surface }: AmbassadorCall, usage: Usage): void {
  span.set(genAi.usageInputTokens, usage.input)
  // A vector has no tokens, and the conventions no such attribute for embeddings.
  if (surface?.dialect !== 'embeddings') span.set(genAi.usageOutputTokens, usage.output)
  span.set(genAi.usageCacheReadInputTokens, usage.cached)
  if (usage.cacheWrite > 0) span.set(genAi.usageCacheWriteInputTokens, usage.cacheWrite)
  if (usage.reasoning > 0) span.set(genAi.usageReasoningOutputTokens, usage.reasoning)
  span.set(genAi.tokensExact, usage.isExact)
}
