/**
 * Attribute names of spans, in one place because the standard is still moving. What it has no name
 * for stands under `outrigger.`, since its own prefixes are reserved for it.
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
  /** True where not all of the captured text had room; only then. */
  captureCut: 'outrigger.capture.cut',
  conversationId: 'gen_ai.conversation.id',
  /** JSON; only of tenants whose calls are captured. */
  systemInstructions: 'gen_ai.system_instructions',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  errorType: 'error.type',
  httpRequestMethod: 'http.request.method',
  httpResponseStatusCode: 'http.response.status_code',
  /** The path as the table of surfaces writes it. */
  httpRoute: 'http.route',
  urlPath: 'url.path',
  urlScheme: 'url.scheme',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  callId: 'outrigger.call.id',
  tenant: 'outrigger.tenant',
  workload: 'outrigger.workload',
  class: 'outrigger.class',
  dialect: 'outrigger.dialect',
  modelAsked: 'outrigger.model.asked',
  replica: 'outrigger.replica',
  attempt: 'outrigger.attempt',
  attempts: 'outrigger.attempts',
  outcome: 'outrigger.outcome',
  /** How often the stream has gone on at another replica; only where it has. */
  resumed: 'outrigger.resumed',
  /** Milliseconds. */
  queueMs: 'outrigger.queue_ms',
  /** False where the token counts are estimates. */
  tokensExact: 'outrigger.tokens.exact',
} as const

/**
 * The event at the first content of a streamed answer. The conventions have the time as an attribute
 * (`gen_ai.response.time_to_first_chunk`), set besides, and no event for the moment, so that the name
 * is ours.
 */
export const firstContentEvent = 'outrigger.first_content'

/** The event at which the stream of an answer has gone on at another replica. */
export const resumedEvent = 'outrigger.resumed'

/** Longest model in a span's name, in characters: of a refused call it is the caller's own text. */
const modelCharsMax = 128

/** The span's name as the conventions want it: operation and model, or the operation alone. */
export function spanName(operation: string, model: string): string {
  return model === '' ? operation : `${operation} ${model.slice(0, modelCharsMax)}`
}
