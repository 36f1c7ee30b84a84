import { presets } from '#shared/config/presets.ts'
import { xaiLimits } from '../quota/preset-shapes.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * Its codes are those of gRPC and say little, so its texts decide. As reported: content,
 * github.com/UKGovernmentBEIS/inspect_ai, pull request 2267; a wrong key, which comes with 400,
 * github.com/continuedev/continue, issue 10778; credit, issues 10373 and 12670 there; the window,
 * github.com/cline/cline, issue 3120.
 */
const refusals: readonly KnownRefusal[] = [
  // Goes on with the team and the key's id.
  {
    statuses: [403],
    text: /^content violates usage guidelines\b/,
    means: 'content-filter',
    namesAccount: true,
  },
  {
    statuses: [400],
    text: /^incorrect api key provided: \S{1,100}\. you can obtain an api key from https:\/\/console\.x\.ai\.?$/,
    means: 'dead-credential',
  },
  {
    statuses: [403, 429],
    text: /^your newly created team doesn't have any credits\b/,
    means: 'exhausted',
  },
  {
    statuses: [403, 429],
    text: /^your team(?: \S{1,100})? has (?:either used all available credits|run out of credits)\b/,
    means: 'exhausted',
  },
  {
    statuses: [400],
    text: /^this model's maximum prompt length is \d+ but the request contains \d+ tokens\b/,
    means: 'context-window',
  },
]

/**
 * Sources: https://docs.x.ai/docs/api-reference (chat and Responses) and the AI SDK's xai provider, which asks streams for
 * usage. Reasoning is not part of `completion_tokens`; what was cached may not be part of
 * `prompt_tokens`; 10^10 ticks are a dollar. Errors come as `{error:{…}}` or `{code,error:"…"}`.
 */
export const xai: Profile = {
  ...openaiCompatible,
  ...presets.xai,
  auth: ['bearer'],
  title: 'xAI',
  telemetryName: 'x_ai',
  usage: { ofStreams: 'asked' },
  // Its reference has both and calls `max_tokens` deprecated; which models still take that, is not
  // checked here.
  output: { member: 'max_completion_tokens', other: 'left' },
  limitShape: xaiLimits,
  refusals,
  prices: 'x-ai',
}
