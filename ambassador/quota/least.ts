import type { Amounts } from './shape.ts'

/** No more of each than in `most`. */
export function least(amounts: Amounts, most: Amounts): Amounts {
  const { requests, input, output, tokens } = amounts
  if (input <= most.input && output <= most.output && tokens <= most.tokens) return amounts
  return {
    requests,
    input: Math.min(input, most.input),
    output: Math.min(output, most.output),
    tokens: Math.min(tokens, most.tokens),
  }
}
