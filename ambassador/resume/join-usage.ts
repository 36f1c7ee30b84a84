import type { Usage } from '#shared/dialects/usage.ts'

/** What was passed on before the last server of an answer began. */
export interface Part {
  /** Of the caller's question, as the first server counted them; undefined where it did not say. */
  readonly promptTokens: number | undefined
  /** Generated and passed on. */
  readonly tokens: number
}

/**
 * The usage of an answer that several servers have written, from that of the last one, to which what
 * was passed on before is part of the prompt: the question once, the answer whole. What the first
 * server had cached it never said. Exact where both have counted.
 */
export function joinUsage({ promptTokens, tokens }: Part, last: Usage): Usage {
  if (tokens === 0) return last
  const input = promptTokens ?? (last.isExact ? Math.max(0, last.input - tokens) : last.input)
  const isCounted = promptTokens !== undefined && last.isExact && last.input >= promptTokens
  const before = isCounted ? last.input - input : tokens
  return {
    input,
    cached: 0,
    cacheWrite: 0,
    cacheWrite1h: 0,
    output: before + last.output,
    reasoning: last.reasoning,
    isExact: isCounted,
  }
}
