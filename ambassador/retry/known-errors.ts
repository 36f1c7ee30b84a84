import type { ErrorFacts } from './error-facts.ts'

/** Codes and types that mean: no credit or spending allowed, whatever the status (often 429). */
const exhaustedCodes = new Set([
  // https://developers.openai.com/api/docs/guides/error-codes
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_not_active',
  // https://platform.claude.com/docs/en/api/errors
  'billing_error',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
  // https://openrouter.ai/docs/errors
  'payment_required',
])

/** Where providers only write it: Anthropic's 400, DeepSeek's and xAI's texts. In lower case. */
const exhaustedPhrases = [
  'you have reached your specified api usage limits',
  'you have reached your specified workspace api usage limits',
  'credit balance is too low',
  'insufficient balance',
  'used all available credits or reached its monthly spending limit',
  'run out of credits',
  'exceeded your current quota, please check your plan and billing',
]

const exhaustedStatuses = new Set([400, 403, 429])

/** Whether the credential has nothing left to spend. */
export function isExhausted(status: number, facts: ErrorFacts): boolean {
  if (status === 402) return true
  if (!exhaustedStatuses.has(status)) return false
  if (exhaustedCodes.has(facts.type) || facts.codes.some((code) => exhaustedCodes.has(code))) {
    return true
  }
  return exhaustedPhrases.some((phrase) => facts.message.includes(phrase))
}

/** Codes of a provider or model without room, which no other credential changes. */
const overloadedCodes = new Set([
  'server_is_overloaded',
  'engine_overloaded',
  'overloaded_error',
  'resource_unavailable',
  'capacity_exceeded',
  'service_tier_capacity_exceeded',
  // Mistral's number for the one above.
  '3505',
  'modelnotreadyexception',
])

const overloadedPhrases = [
  'experiencing high demand',
  'currently overloaded',
  'service tier capacity exceeded',
]

/** Whether the body says that the provider, and not the credential, is at its limit. */
export function isOverloaded({ type, codes, message }: ErrorFacts): boolean {
  if (overloadedCodes.has(type) || codes.some((code) => overloadedCodes.has(code))) return true
  return overloadedPhrases.some((phrase) => message.includes(phrase))
}

const refusedCodes = new Set([
  'content_filter',
  'content_policy_violation',
  'responsibleaipolicyviolation',
  'moderation',
  'invalid_prompt',
])

/** Whether it is about what was asked and not about who asked: a filter or a moderator refused it. */
export function isRefusedQuestion({ isModeration, type, codes, message }: ErrorFacts): boolean {
  if (isModeration) return true
  if (refusedCodes.has(type) || codes.some((code) => refusedCodes.has(code))) return true
  return message.includes('requires moderation') || message.includes('input was flagged')
}

const windowCodes = new Set([
  'context_length_exceeded',
  // https://openrouter.ai/docs/errors
  'token_limit_exceeded',
])

/** OpenAI's and vLLM's, Anthropic's two, Mistral's. In lower case. */
const windowPhrases = [
  'maximum context length',
  'prompt is too long',
  'exceed context limit',
  'too large for model with',
]

/** Whether the question has more tokens than the model takes: a larger one may take it. */
export function isTooLong({ codes, message }: ErrorFacts): boolean {
  if (codes.some((code) => windowCodes.has(code))) return true
  return windowPhrases.some((phrase) => message.includes(phrase))
}
