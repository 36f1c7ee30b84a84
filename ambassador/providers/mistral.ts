import { presets } from '#shared/config/presets.ts'
import { mistralLimits } from '../quota/preset-shapes.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

const refusals: readonly KnownRefusal[] = [
  {
    statuses: [400],
    text: /^prompt contains \d+ tokens(?: and \d+ draft tokens)?, too large for model with \d+/,
    means: 'context-window',
  },
]

/**
 * Sources: https://docs.mistral.ai/api and the AI SDK's mistral provider. Members that it does not know
 * are refused with 422 `extra_forbidden`: `stream_options.include_usage` and `max_completion_tokens`
 * among them (github.com/openai/openai-agents-python, issue 442). Bytes pass as they come all the
 * same: the caller sees the provider's own 422. Streams report usage in their last chunk.
 */
export const mistral: Profile = {
  ...openaiCompatible,
  ...presets.mistral,
  auth: ['bearer'],
  title: 'Mistral',
  telemetryName: 'mistral_ai',
  usage: { ofStreams: 'unasked' },
  limitShape: mistralLimits,
  refusals,
  prices: 'mistral',
}
