import { presets } from '#shared/config/presets.ts'
import { compatibleLimits } from '../quota/shape.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * Sources: https://openrouter.ai/docs/use-cases/usage-accounting (usage always comes, and asking has no
 * effect), https://openrouter.ai/docs/errors. `HTTP-Referer` and `X-Title`, by which it lists
 * applications, are the caller's and pass. Limits stand in the headers of errors only.
 * Answers are bounded by `max_tokens` (https://openrouter.ai/docs/api-reference/parameters), which it
 * puts in the words of whom it asks.
 */
export const openrouter: Profile = {
  ...openaiCompatible,
  ...presets.openrouter,
  auth: ['bearer'],
  title: 'OpenRouter',
  telemetryName: 'openrouter',
  usage: { ofStreams: 'unasked', cached: 'inside', reasoning: 'inside', cost: 'usage.cost' },
  limitShape: compatibleLimits,
  prices: 'openrouter',
}
