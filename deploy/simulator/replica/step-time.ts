import type { StepTime } from './batch.ts'
import { prebleLlama3A100, prebleLlama3H100, prebleMistral } from './preble.ts'

export type { Batch, StepTime } from './batch.ts'

/**
 * Prefill after T = fixed + a·n + q·n². A chunk of e tokens with s before it costs
 * a·e + q·((s+e)² − s²): the chunks of a prompt add up to the law for the whole, and cached tokens
 * cost attention only.
 */
interface PrefillLaw {
  readonly tokenMs: number
  readonly squareMs: number
  readonly fixedMs: number
}

function prefillOf({ tokenMs, squareMs, fixedMs }: PrefillLaw): StepTime['prefillMs'] {
  return ({ decoding, chunks, starts, tokens }) => {
    if (chunks === 0) return 0
    let ms = decoding > 0 ? 0 : fixedMs
    for (let at = 0; at < chunks; at += 1) {
      const extended = tokens[at] ?? 0
      ms += extended * (tokenMs + squareMs * (2 * (starts[at] ?? 0) + extended))
    }
    return ms
  }
}

/**
 * NVIDIA Dynamo's mocker (ai-dynamo/dynamo, docs): decode by active KV ÷ total, at least 1 ms. Its
 * prefill law knows only new tokens; cached ones cost attention here.
 */
const dynamo: StepTime = {
  prefillMs: prefillOf({ tokenMs: 1.518344e-2, squareMs: 4.209989e-7, fixedMs: 16.50142 }),
  decodeMs: ({ decoding, activeShare: share }) =>
    decoding === 0 ? 0 : Math.max(1, (54.01 - 25.74 * share) * share + 5.74),
}

/** vllm-project/router's constants: prefill by thousands of tokens, decode by batch and context. */
const vllmRouter: StepTime = {
  prefillMs: prefillOf({ tokenMs: 0.0570202, squareMs: 4.40573e-6, fixedMs: 66.0006 }),
  decodeMs: ({ decoding, contextTokens }) =>
    decoding === 0 ? 0 : 10.6352 + 0.41928 * decoding + 1.420458e-4 * contextTokens,
}

/** Published constants by name. Results name the one they used. */
export const stepTimes = {
  dynamo,
  'vllm-router': vllmRouter,
  'preble-mistral-7b-a100': prebleMistral,
  'preble-llama-3-70b-a100': prebleLlama3A100,
  'preble-llama-3-70b-h100': prebleLlama3H100,
} as const

/** Both parts of `stepTime` times a factor each: 2 is twice as slow. */
export function scaled(
  stepTime: StepTime,
  factors: { readonly prefill: number; readonly decode: number },
): StepTime {
  return {
    decodeMs: (batch) => stepTime.decodeMs(batch) * factors.decode,
    prefillMs: (batch) => stepTime.prefillMs(batch) * factors.prefill,
  }
}

/**
 * `stepTime` with its prefill scaled so that an unloaded prompt of `promptTokens` is computed at
 * `tokensPerSecond`, in chunks as large as it.
 */
export function withPrefillRate(
  stepTime: StepTime,
  { promptTokens, tokensPerSecond }: { promptTokens: number; tokensPerSecond: number },
): StepTime {
  const alone = { decoding: 0, contextTokens: 0, activeShare: 0, chunks: 1, starts: [0] }
  const ms = stepTime.prefillMs({ ...alone, tokens: [promptTokens] })
  return scaled(stepTime, { prefill: (promptTokens / tokensPerSecond) * (1_000 / ms), decode: 1 })
}
