import { anthropicLimits } from '../quota/shape.ts'
import { authHeaders } from './auth-headers.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { sameQuery, wholePath } from './paths.ts'
import type { Profile } from './profile.ts'

const badRequest = { statuses: [400], type: 'invalid_request_error' }

/**
 * Source: https://platform.claude.com/docs/en/api/errors and what users report
 * (github.com/anthropics/claude-code, issue 66314). A member that it does not know stands at the
 * beginning of its message, and a colon behind it.
 */
const refusals: readonly KnownRefusal[] = [
  { ...badRequest, text: /^your credit balance is too low\b(?!.*: )/s, means: 'exhausted' },
  {
    ...badRequest,
    text: /^you have reached your specified (?:workspace )?api usage limits\b(?!.*: )/s,
    means: 'exhausted',
  },
  {
    ...badRequest,
    text: /^prompt is too long(?:: \d+ tokens > \d+(?: maximum)?)?$/,
    means: 'context-window',
  },
  {
    ...badRequest,
    text: /^input length and `max_tokens` exceed context limit: \d+ \+ \d+ > \d+\b(?!.*: )/s,
    means: 'context-window',
  },
]

/**
 * Sources: https://platform.claude.com/docs/en/api/overview and the official client,
 * @anthropic-ai/sdk 1.11.0. Every `anthropic-*` header and `?beta=true` are the caller's and pass: the
 * versions of the API and of its betas are an open list. The client sends its key as Bearer since
 * 1.0.0; OAuth tokens are taken only so.
 */
export const anthropic: Profile = {
  title: 'Anthropic',
  telemetryName: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  auth: ['x-api-key', 'bearer'],
  authorization: (secret, form = 'x-api-key') => authHeaders(form, secret),
  dialects: ['messages'],
  // https://docs.anthropic.com/en/api/messages-count-tokens: free, with a limit of its own.
  counts: ['messages'],
  path: wholePath,
  query: sameQuery,
  // Streams tell it at their beginning and, summed, at their end.
  usage: { ofStreams: 'unasked' },
  // The dialect has no other.
  output: { member: 'max_tokens', other: 'left' },
  limitShape: anthropicLimits,
  fullStatuses: [],
  refusals,
  // Refused without a version; the list of models is the same in every one.
  probe: { path: '/v1/models', headers: ['anthropic-version', '2023-06-01'] },
  prices: 'anthropic',
}
