import type { Prompt } from './prompt-of.ts'

interface Reported {
  readonly prompt: Prompt
  readonly cachedTokens: number
  readonly promptTokens: number
}

/** Bytes say how far a prompt goes only about: what is missing by so much of it is not held against it. */
const slack = 0.1

/**
 * How many of the prompt’s full blocks its replica had, by what it reported. The last token is always
 * computed, so that a block more than was found may have been there. Of bytes it is the same part of
 * them as of the tokens, and a little more.
 */
export function foundBlocks(
  { prompt, cachedTokens, promptTokens }: Reported,
  blockTokens: number,
): number {
  if (prompt.ids?.kind === 'exact') return Math.floor(cachedTokens / blockTokens) + 1
  const share = cachedTokens / Math.max(1, promptTokens)
  const found = cachedTokens === 0 ? 0 : Math.min(1, share + slack)
  return Math.ceil((found * prompt.tokens) / blockTokens) + 1
}
