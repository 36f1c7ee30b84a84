/**
 * Attribute names of spans, in one place because the standard is still moving.
 *
 * Source: OpenTelemetry semantic conventions for generative AI, v1.41.1 with the successor
 * repository's `cache_write` and `reasoning` names, which the vendors' own SDKs emit.
 */
export const genAi = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  requestTemperature: 'gen_ai.request.temperature',
  requestTopP: 'gen_ai.request.top_p',
  requestReasoningLevel: 'gen_ai.request.reasoning.level',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  /** A list of strings. */
  responseFinishReasons: 'gen_ai.response.finish_reasons',
  /** Seconds. */
  responseTimeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  /** Tokens, cached ones included. */
  usageInputTokens: 'gen_ai.usage.input_tokens',
  /** Tokens, reasoning included. */
  usageOutputTokens: 'gen_ai.usage.output_tokens',
  usageCacheReadInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  usageCacheWriteInputTokens: 'gen_ai.usage.cache_write.input_tokens',
  usageReasoningOutputTokens: 'gen_ai.usage.reasoning.output_tokens',
  conversationId: 'gen_ai.conversation.id',
  errorType: 'error.type',
  httpResponseStatusCode: 'http.response.status_code',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  callId: 'outrigger.call.id',
  tenant: 'outrigger.tenant',
  workload: 'outrigger.workload',
  class: 'outrigger.class',
  surface: 'outrigger.surface',
  dialect: 'outrigger.dialect',
  modelAsked: 'outrigger.model.asked',
  replica: 'outrigger.replica',
  attempt: 'outrigger.attempt',
  attempts: 'outrigger.attempts',
  outcome: 'outrigger.outcome',
  /** Milliseconds. */
  queueMs: 'outrigger.queue_ms',
  /** False where the token counts are estimates. */
  tokensExact: 'outrigger.tokens.exact',
} as const

export type GenAiAttribute = (typeof genAi)[keyof typeof genAi]

/** Values of `gen_ai.operation.name` that the surfaces stand for. */
export type GenAiOperation = 'chat' | 'text_completion' | 'embeddings'

/** The span's name as the conventions want it: operation and model, or the operation alone. */
export function spanName(operation: GenAiOperation, model: string | undefined): string {
  return model === undefined || model === '' ? operation : `${operation} ${model}`
}
