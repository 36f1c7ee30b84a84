import { presets } from '#shared/config/presets.ts'
import { xaiLimits } from '../quota/shape.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * Sources: https://docs.x.ai/docs/api-reference and the AI SDK's xai provider, which asks streams for
 * usage. Reasoning is not part of `completion_tokens`; what was cached may not be part of
 * `prompt_tokens`; 10^10 ticks are a dollar. Errors come as `{error:{…}}` or `{code,error:"…"}`.
 */
export const xai: Profile = {
  ...openaiCompatible,
  ...presets.xai,
  auth: ['bearer'],
  title: 'xAI',
  telemetryName: 'x_ai',
  usage: {
    ofStreams: 'asked',
    cached: 'inside',
    reasoning: 'beside',
    cost: 'usage.cost_in_usd_ticks',
  },
  // Its reference has both and calls `max_tokens` deprecated; which models still take that, is not
  // checked here.
  output: { member: 'max_completion_tokens', other: 'left' },
  limitShape: xaiLimits,
  prices: 'x-ai',
}
