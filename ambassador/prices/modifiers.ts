import { type Fraction, factor, one } from './money.ts'

/**
 * Factors that providers publish beside their prices; the package of prices has none. Read in
 * copies of the vendors' pages made from 2026-07 to 2026-10. A tier that is not listed here, such
 * as OpenAI's `scale`, Anthropic's `priority` or Groq's `performance`, is bought by contract: its
 * price is unknown until the configuration names a factor.
 */

const half: Fraction = { times: 1n, over: 2n }
const same: Fraction = one
const double: Fraction = { times: 2n, over: 1n }

/**
 * OpenAI's `priority`, called `fast` since 2026-07-30, where it is not twice the list price:
 * openai.com/api-priority-processing and developers.openai.com/api/docs/pricing.
 */
const openaiFast: readonly (readonly [RegExp, Fraction])[] = [
  [/^gpt-5\.5/, { times: 5n, over: 2n }],
  [/^gpt-5-mini/, { times: 9n, over: 5n }],
  [/^gpt-4\.1-nano/, double],
  [/^gpt-4\.1|^o3(?!-)|^o3-2025|^gpt-4o-2024-05-13/, { times: 7n, over: 4n }],
  [/^gpt-4o-mini/, { times: 5n, over: 3n }],
  [/^gpt-4o/, { times: 17n, over: 10n }],
  [/^o4-mini/, { times: 20n, over: 11n }],
]

/** Batch prices are half the list's, and flex has batch prices: the same page. */
function openaiModifiers(model: string): [string, Fraction][] {
  const fast = openaiFast.find(([pattern]) => pattern.test(model))?.[1] ?? double
  return [
    ['batch', half],
    ['flex', half],
    ['priority', fast],
    ['fast', fast],
  ]
}

/** Opus, Sonnet and the rest from 4.6 on: those that can be told where to compute. */
const claudeFrom46 = /^claude-[a-z]+-(?:4[.-](?:[6-9]|\d\d)(?!\d)|[5-9])/

/** platform.claude.com/docs/en/about-claude/pricing: fast mode, batches, data residency. */
function anthropicModifiers(model: string): [string, Fraction][] {
  const modifiers: [string, Fraction][] = [['batch', half]]
  if (/^claude-opus-(?:4[.-]8|5)/.test(model)) modifiers.push(['fast', double])
  // It takes the parameter, runs as ever and costs as ever.
  if (/^claude-opus-4[.-]6/.test(model)) modifiers.push(['fast', same])
  if (claudeFrom46.test(model)) modifiers.push(['us', factor('1.1')])
  return modifiers
}

/** The factors for `model`, in lower case, at a source of prices, by the words of its answers. */
export function publishedModifiers(
  source: string | undefined,
  model: string,
): ReadonlyMap<string, Fraction> {
  if (source === 'openai') return new Map(openaiModifiers(model))
  if (source === 'anthropic') return new Map(anthropicModifiers(model))
  // console.groq.com/docs/flex-processing: as on demand.
  return new Map(source === 'groq' ? [['flex', same]] : [])
}

/** Released on 2026-03-05 (GPT-5.4) or later. */
const openaiRegional = /^gpt-(?:5[.-](?:[4-9]|\d\d)(?!\d)|[6-9])/

/**
 * What a provider adds for computing in one region, where its address says so: OpenAI 10 % on
 * `us.api.openai.com` and the like, for models released since March 2026 (its page of prices).
 */
export function publishedUplift(baseUrl: string | undefined, model: string): Fraction {
  const isRegional = /^https:\/\/[a-z]{2}\.api\.openai\.com(?:[:/]|$)/.test(baseUrl ?? '')
  return isRegional && openaiRegional.test(model) ? factor('1.1') : one
}
