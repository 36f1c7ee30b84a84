import { presets } from '#shared/config/presets.ts'
import { vllmLimits } from '../quota/shape.ts'
import { contextWindow, type KnownRefusal } from './known-refusal.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

const refusals: readonly KnownRefusal[] = [
  ...contextWindow,
  {
    statuses: [400],
    text: /^the input length exceeds the context length\b/,
    means: 'context-window',
  },
]

/**
 * Sources: https://docs.ollama.com/api/openai-compatibility (`stream_options.include_usage` is taken;
 * Responses without stored state)
 * and /api/anthropic-compatibility (no count_tokens). A local server takes any key; the hosted one
 * wants it as Bearer. There are no limits by rate: behind a full queue comes 503. It bounds answers by
 * `max_tokens`; `max_completion_tokens` is taken and does nothing (github.com/ollama/ollama, issue
 * 7125).
 */
export const ollama: Profile = {
  ...openaiCompatible,
  ...presets.ollama,
  auth: ['bearer'],
  title: 'Ollama',
  telemetryName: 'ollama',
  limitShape: vllmLimits,
  // The hosted one has limits by account, with 429.
  fullStatuses: [503],
  refusals,
  output: { member: 'max_tokens', other: 'ignored' },
}
