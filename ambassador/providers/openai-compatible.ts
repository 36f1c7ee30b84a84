import { authForms } from '#shared/config/credential-schema.ts'
import { compatibleLimits } from '../quota/shape.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { openai } from './openai.ts'
import type { Profile } from './profile.ts'

/** OpenAI says it with a code as well; Gemini says it of every limit, with a time to wait. */
const refusals: readonly KnownRefusal[] = [
  ...openai.refusals,
  {
    statuses: [429],
    text: /^you exceeded your current quota, please check your plan and billing\b/,
    means: 'exhausted',
  },
]

/** Any server with OpenAI's paths below its base URL; those with a preset have files of their own. */
export const openaiCompatible: Profile = {
  ...openai,
  title: 'OpenAI-compatible',
  telemetryName: 'openai_compatible',
  baseUrl: undefined,
  auth: authForms,
  // Copies seldom have Responses.
  dialects: ['chat', 'completions', 'embeddings'],
  // An extension that copies seldom have.
  counts: [],
  // The older member: copies know it, whatever else they know.
  output: { member: 'max_tokens', other: 'left' },
  limitShape: compatibleLimits,
  refusals,
  prices: undefined,
}
