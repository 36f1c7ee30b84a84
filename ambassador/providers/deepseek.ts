import { presets } from '#shared/config/presets.ts'
import { deepseekLimits } from '../quota/shape.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { versionedPath } from './paths.ts'
import type { Profile } from './profile.ts'

/**
 * Sources: https://api-docs.deepseek.com (chat completions, error codes, rate limit, Anthropic API) and
 * the AI SDK's deepseek provider with its recorded streams. The base URL has no version, and takes one
 * for compatibility's sake; Anthropic's dialect lies below `/anthropic`. While a call waits the
 * provider sends empty lines or comments. Answers are bounded by `max_tokens`. Not checked here: that
 * Anthropic's dialect takes a Bearer token; Claude Code is told to send one there.
 */
export const deepseek: Profile = {
  ...openaiCompatible,
  ...presets.deepseek,
  auth: ['bearer'],
  title: 'DeepSeek',
  telemetryName: 'deepseek',
  path(base, surfacePath) {
    if (!surfacePath.startsWith('/v1/messages')) return versionedPath(base, surfacePath)
    return `${base.replace(/\/v1$/, '')}/anthropic${surfacePath}`
  },
  usage: { ofStreams: 'asked' },
  limitShape: deepseekLimits,
  prices: 'deepseek',
}
