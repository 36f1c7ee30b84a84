import { presets } from '#shared/config/presets.ts'
import { openrouterLimits } from '../quota/preset-shapes.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * Sources: https://openrouter.ai/docs/errors; of a key's own limit, github.com/gptme/gptme, issue
 * 1449, and github.com/RooCodeInc/Roo-Code, issue 515. The key is spent for every model.
 */
const refusals: readonly KnownRefusal[] = [
  {
    statuses: [403],
    text: /^key limit exceeded(?: \([a-z ]{1,40}\))?\.(?: manage it using https:\/\/openrouter\.ai\/\S{1,200})?$/,
    means: 'exhausted',
  },
  {
    statuses: [402],
    text: /^this request requires more credits, or fewer max_tokens\b/,
    means: 'too-expensive',
  },
  // Begins with the model. Beside its `metadata`, which not every version sends.
  {
    statuses: [400, 403],
    text: /^\S{1,200} requires moderation on \S.*\byour input was flagged\b/s,
    means: 'content-filter',
  },
  {
    statuses: [400],
    text: /^this endpoint's maximum context length is \d+ tokens\b/,
    means: 'context-window',
  },
]

/**
 * Sources: https://openrouter.ai/docs/use-cases/usage-accounting (usage always comes, and asking has no
 * effect), https://openrouter.ai/docs/errors; Responses without stored state: its SDK's reference,
 * https://openrouter.ai/docs/client-sdks/typescript/sdks/responses. `HTTP-Referer` and `X-Title`, by which it lists
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
  usage: { ofStreams: 'unasked' },
  limitShape: openrouterLimits,
  refusals,
  prices: 'openrouter',
}
