import { vllmLimits } from '../quota/shape.ts'
import { bearer } from './auth-headers.ts'
import { contextLength, type KnownRefusal } from './known-refusal.ts'
import { sameQuery, wholePath } from './paths.ts'
import type { Profile } from './profile.ts'

/** Of vllm/entrypoints and vllm/renderers, by version. */
const refusals: readonly KnownRefusal[] = [
  contextLength,
  {
    statuses: [400],
    text: /^'max_tokens' or 'max_completion_tokens' is too large: \d+\. this model's maximum context length is \d+/,
    means: 'context-window',
  },
  {
    statuses: [400],
    text: /^you passed \d+ input (?:characters|tokens) and requested \d+ output tokens\. however, the model's context length is only \d+/,
    means: 'context-window',
  },
]

/**
 * Source: docs.vllm.ai, "Online serving", and recordings of vLLM 0.32. It speaks both families on the
 * usual paths; `--api-key` is a bearer token. It counts for Anthropic's dialect.
 */
export const vllm: Profile = {
  title: 'vLLM',
  telemetryName: 'vllm',
  baseUrl: undefined,
  auth: ['bearer'],
  authorization: bearer,
  dialects: ['chat', 'completions', 'embeddings', 'messages'],
  counts: ['messages'],
  path: wholePath,
  query: sameQuery,
  usage: { ofStreams: 'asked' },
  // Every version takes it; the other one since 0.6.4 (github.com/vllm-project/vllm, pull request 9837).
  output: { member: 'max_tokens', other: 'left' },
  limitShape: vllmLimits,
  fullStatuses: [429, 503],
  refusals,
  // The pool asks each replica.
  probe: undefined,
  prices: undefined,
}
