import { genAi } from './gen-ai.ts'

/**
 * Whose names spans and metrics use: the present ones of the GenAI conventions, those of v1.36.0 and
 * before, or both while dashboards move from one to the other.
 *
 * Source: `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental` of the conventions draws the same line.
 */
export type Generation = 'latest' | 'previous' | 'both'

/**
 * What the earlier generation calls what has another name today. Token counts go under the names of
 * v1.27 to v1.36, which have stayed, and under those before it, which readers still know.
 */
const earlierNames: ReadonlyMap<string, readonly string[]> = new Map([
  [genAi.providerName, ['gen_ai.system']],
  [genAi.usageInputTokens, [genAi.usageInputTokens, 'gen_ai.usage.prompt_tokens']],
  [genAi.usageOutputTokens, [genAi.usageOutputTokens, 'gen_ai.usage.completion_tokens']],
  [genAi.inputMessages, ['gen_ai.prompt']],
  [genAi.outputMessages, ['gen_ai.completion']],
  ['gen_ai_provider_name', ['gen_ai_system']],
])

/** Names of providers that have changed with the attribute. */
const earlierProviders: ReadonlyMap<unknown, string> = new Map([['x_ai', 'xai']])

/** Under which names the attribute or the label `name` is told; at least one. */
export function namesIn(generation: Generation, name: string): readonly string[] {
  if (generation === 'latest') return [name]
  const earlier = earlierNames.get(name)
  if (earlier === undefined) return [name]
  return generation === 'previous' ? earlier : [...new Set([name, ...earlier])]
}

/** The value of an attribute under `name`, one of {@link namesIn}. */
export function valueIn<Value>(name: string, value: Value): Value | string {
  return name === 'gen_ai.system' ? (earlierProviders.get(value) ?? value) : value
}
