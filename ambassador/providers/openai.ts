import { openaiLimits } from '../quota/shape.ts'
import { bearer } from './auth-headers.ts'
import { contextWindow, type KnownRefusal } from './known-refusal.ts'
import { modelsProbe, sameQuery, versionedPath } from './paths.ts'
import type { Profile } from './profile.ts'

const refusals: readonly KnownRefusal[] = [
  ...contextWindow,
  {
    statuses: [429, 500, 503],
    text: /^(?:that|the) (?:engine|model|server) is currently overloaded\b/,
    means: 'overloaded',
  },
]

/**
 * Sources: https://platform.openai.com/docs/api-reference and the official client, openai 7.55.0
 * (client.ts, resources/). Regions have hosts of their own, such as https://eu.api.openai.com/v1; a
 * key that belongs to several organizations or projects names one in a header.
 */
export const openai: Profile = {
  title: 'OpenAI',
  telemetryName: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  auth: ['bearer'],
  authorization: bearer,
  dialects: ['chat', 'completions', 'embeddings', 'responses'],
  // https://platform.openai.com/docs/api-reference/responses/input-tokens
  counts: ['responses'],
  path: versionedPath,
  query: sameQuery,
  usage: { ofStreams: 'asked' },
  // `max_tokens` is deprecated, reasoning models refuse it: platform.openai.com/docs/api-reference/chat.
  output: { member: 'max_completion_tokens', other: 'left' },
  limitShape: openaiLimits,
  fullStatuses: [],
  refusals,
  probe: modelsProbe,
  prices: 'openai',
}
