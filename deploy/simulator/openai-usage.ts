import type { Account } from './account.ts'
import type { Refusal } from './refusal.ts'

export const fingerprint = 'vllm-0.32.0-45abae92'
export const doneEvent = 'data: [DONE]\n\n'

/** An event without a name, as chat and completions stream them. */
export function dataEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

/** A refusal inside a 200: vLLM writes it with Python's `json.dumps`, so with spaces. */
export function refusalEvents({ message, type, status }: Refusal): string[] {
  const error = `{"error": {"message": "${message}", "type": "${type}", "param": null, "code": ${status}}}`
  return [`data: ${error}\n\n`, doneEvent]
}

function counts(account: Account) {
  return {
    prompt_tokens: account.promptTokens,
    total_tokens: account.promptTokens + account.completionTokens,
    completion_tokens: account.completionTokens,
  }
}

/** What of an answer's account is told besides the counts. */
export interface UsageManner {
  /** Whether completions or chat: the former never tells what it added to the cache. */
  readonly tellsCreated: boolean
  /** The server's `--enable-prompt-tokens-details`. */
  readonly tellsDetails: boolean
}

/** `usage` of an answer that is not streamed. */
export function wholeUsage(account: Account, { tellsCreated, tellsDetails }: UsageManner) {
  const details = {
    cached_tokens: account.cachedTokens,
    created_cache_tokens: tellsCreated ? account.createdTokens : null,
    multimodal_tokens: null,
  }
  return {
    ...counts(account),
    prompt_tokens_details: tellsDetails ? details : null,
    completion_tokens_details: null,
  }
}

/** `usage` of a stream's last chunk: vLLM leaves nulls out of it. */
export function lastUsage(account: Account, { tellsCreated, tellsDetails }: UsageManner) {
  if (!tellsDetails) return counts(account)
  const cached = { cached_tokens: account.cachedTokens }
  const created = { created_cache_tokens: account.createdTokens }
  const details = tellsCreated ? { ...cached, ...created } : cached
  return { ...counts(account), prompt_tokens_details: details }
}

/** `metrics` of an answer under `--enable-per-request-metrics`, else null. */
export function timesOf({ times, completionTokens }: Account) {
  if (times === undefined) return null
  const { queueMs, firstTokenMs, generationMs } = times
  return {
    time_to_first_token_ms: firstTokenMs,
    generation_time_ms: generationMs,
    queue_time_ms: queueMs,
    mean_itl_ms: completionTokens > 1 ? generationMs / (completionTokens - 1) : null,
    tokens_per_second: generationMs > 0 ? (completionTokens * 1_000) / generationMs : null,
  }
}

/** `usage` of each chunk under `continuous_usage_stats`: without cached tokens. */
export function runningUsage(account: Account) {
  return { ...counts(account), completion_tokens_details: null }
}
