import type { KnownRefusal, RefusalMeaning } from '../providers/known-refusal.ts'
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

const refusedCodes = new Set([
  'content_filter',
  'content_policy_violation',
  'responsibleaipolicyviolation',
  'moderation',
  'invalid_prompt',
])

const windowCodes = new Set([
  'context_length_exceeded',
  // https://openrouter.ai/docs/errors
  'token_limit_exceeded',
])

/** Statuses that money or spending may stand behind; of others such a code is not believed. */
const exhaustedStatuses = new Set([400, 403, 429])

/**
 * What a refusal means beyond its status, by its codes, which no caller chooses, and by the texts that
 * its provider is known for; undefined where it says no more than the status.
 */
export function meaningOf(
  status: number,
  facts: ErrorFacts,
  known: readonly KnownRefusal[],
): RefusalMeaning | undefined {
  // First: what is refused for what it is must not be taken for what its words may quote.
  if (facts.isModeration || has(facts, refusedCodes)) return 'content-filter'
  if (exhaustedStatuses.has(status) && has(facts, exhaustedCodes)) return 'exhausted'
  if (has(facts, overloadedCodes)) return 'overloaded'
  if (has(facts, windowCodes)) return 'context-window'
  return known.find((one) => isSaid(one, status, facts))?.means
}

/** Whether the words of a refusal name the account, as its provider is known to do. */
export function namesAccount(
  status: number,
  facts: ErrorFacts,
  known: readonly KnownRefusal[],
): boolean {
  return known.some((one) => one.namesAccount === true && isSaid(one, status, facts))
}

function has({ type, codes }: ErrorFacts, words: ReadonlySet<string>): boolean {
  return words.has(type) || codes.some((code) => words.has(code))
}

function isSaid({ statuses, text, type, means }: KnownRefusal, status: number, facts: ErrorFacts) {
  if (!statuses.includes(status)) return false
  if (type !== undefined && facts.type !== type) return false
  // Gemini: what is back within a minute is a limit, in the words for a quota.
  if (means === 'exhausted' && facts.retryDelayMs !== undefined) return false
  return text.test(facts.message)
}
