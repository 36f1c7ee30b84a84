import { isObject } from '#shared/dialects/usage.ts'
import { type PicoUsd, parseDecimal } from './money.ts'

/**
 * What an answer, or an event of a stream, says of how it was served: OpenAI's `service_tier`,
 * Anthropic's `usage.service_tier`, `speed` and `inference_geo`. Each word once, in lower case; at
 * most four. A later event of the same stream says it again or says more: join them.
 */
export function modifiersOf(answer: unknown): readonly string[] {
  if (!isObject(answer)) return []
  const words = new Set<string>()
  // A whole answer, a chunk; `response.completed` of Responses; `message_start` of Messages.
  for (const part of [answer, answer['response'], answer['message']]) {
    if (!isObject(part)) continue
    const usage = isObject(part['usage']) ? part['usage'] : {}
    const said = [
      part['service_tier'],
      usage['service_tier'],
      usage['speed'],
      usage['inference_geo'],
    ]
    for (const word of said) {
      if (typeof word === 'string' && word.length <= 40 && words.size < 4)
        words.add(word.toLowerCase())
    }
  }
  return [...words]
}

/**
 * What the provider itself says the call cost, in its `usage` object: xAI in ticks of 10^-10 USD,
 * OpenRouter in USD. Undefined where it says nothing, or where the figure is a part only: for a key
 * of one's own OpenRouter states its fee. Others are not believed: their `cost` may be of any kind.
 *
 * Sources: docs.x.ai, "Cost tracking"; openrouter.ai/docs, "Usage accounting".
 */
export function reportedCost(source: string | undefined, usage: unknown): PicoUsd | undefined {
  if (!isObject(usage)) return undefined
  if (source === 'x-ai') return amountOf(usage['cost_in_usd_ticks'], 2)
  if (source !== 'openrouter' || usage['is_byok'] === true) return undefined
  return amountOf(usage['cost'], 12)
}

/** A number as JSON carries it; its shortest text is what the provider wrote. */
function amountOf(value: unknown, places: number): PicoUsd | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined
  return parseDecimal(String(value), places)
}
