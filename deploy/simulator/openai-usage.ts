import type { Account } from './engine.ts'

export const fingerprint = 'vllm-0.32.0-45abae92'
export const doneEvent = 'data: [DONE]\n\n'

/** An event without a name, as chat and completions stream them. */
export function dataEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

/** A refusal inside a 200: vLLM writes it with Python's `json.dumps`, so with spaces. */
export function refusalEvents(): string[] {
  const message =
    'The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.'
  const error = `{"error": {"message": "${message}", "type": "Service Unavailable", "param": null, "code": 503}}`
  return [`data: ${error}\n\n`, doneEvent]
}

function counts(account: Account) {
  return {
    prompt_tokens: account.promptTokens,
    total_tokens: account.promptTokens + account.completionTokens,
    completion_tokens: account.completionTokens,
  }
}

/** `usage` of an answer that is not streamed; `created` is null under completions. */
export function wholeUsage(account: Account, created: number | null) {
  return {
    ...counts(account),
    prompt_tokens_details: {
      cached_tokens: account.cachedTokens,
      created_cache_tokens: created,
      multimodal_tokens: null,
    },
    completion_tokens_details: null,
  }
}

/** `usage` of a stream's last chunk: vLLM leaves nulls out of it. */
export function lastUsage(account: Account, created: number | null) {
  const cached = { cached_tokens: account.cachedTokens }
  const details = created === null ? cached : { ...cached, created_cache_tokens: created }
  return { ...counts(account), prompt_tokens_details: details }
}

/** `usage` of each chunk under `continuous_usage_stats`: without cached tokens. */
export function runningUsage(account: Account) {
  return { ...counts(account), completion_tokens_details: null }
}
