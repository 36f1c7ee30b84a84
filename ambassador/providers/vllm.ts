import { vllmLimits } from '../quota/shape.ts'
import { bearer } from './auth-headers.ts'
import { contextWindow } from './known-refusal.ts'
import { sameQuery, wholePath } from './paths.ts'
import type { Profile } from './profile.ts'

/**
 * Source: docs.vllm.ai, "Online serving", and recordings of vLLM 0.32. It speaks both families on the
 * usual paths, Responses among them with `cache_salt` and `priority` of its own (entrypoints/openai/
 * responses/protocol.py); `--api-key` is a bearer token. It counts for Anthropic's dialect.
 */
export const vllm: Profile = {
  title: 'vLLM',
  telemetryName: 'vllm',
  baseUrl: undefined,
  auth: ['bearer'],
  authorization: bearer,
  dialects: ['chat', 'completions', 'embeddings', 'messages', 'responses'],
  counts: ['messages'],
  path: wholePath,
  query: sameQuery,
  usage: { ofStreams: 'asked' },
  // Every version takes it; the other one since 0.6.4 (github.com/vllm-project/vllm, pull request 9837).
  output: { member: 'max_tokens', other: 'left' },
  limitShape: vllmLimits,
  fullStatuses: [429, 503],
  refusals: contextWindow,
  // The pool asks each replica.
  probe: undefined,
  prices: undefined,
}
