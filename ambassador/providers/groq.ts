import { presets } from '#shared/config/presets.ts'
import { groqLimits } from '../quota/shape.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * Sources: https://console.groq.com/docs/api-reference and the AI SDK's groq provider with its recorded
 * streams: the last chunk carries `usage` and `x_groq.usage` unasked. 498 is a full flex tier.
 * Responses, without stored state: https://console.groq.com/docs/responses-api.
 * Not checked here: what becomes of `stream_options`, so it is not sent.
 */
export const groq: Profile = {
  ...openaiCompatible,
  ...presets.groq,
  auth: ['bearer'],
  title: 'Groq',
  telemetryName: 'groq',
  usage: { ofStreams: 'unasked' },
  // `max_tokens` is deprecated in its reference (github.com/groq/groq-python, pull request 175).
  output: { member: 'max_completion_tokens', other: 'left' },
  limitShape: groqLimits,
  prices: 'groq',
}
