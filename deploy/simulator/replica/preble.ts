import type { StepTime } from './batch.ts'

// Regressions of WukLab/preble (multi_node: model equations of its simulator), in milliseconds.

/** Linear layers by tokens of the batch; as published, not monotonic at the edges of its ranges. */
function mistralLinearMs(tokens: number): number {
  if (tokens >= 256) return 0.05031337 * tokens + 5.505996896412796
  return tokens >= 64 ? 10.5 : 8.96
}

/** Attention that reads `context` tokens; measured on an A6000 and used for the A100 too. */
function mistralReadMs(context: number): number {
  return context <= 1_024 ? 0.32 : 1.86e-4 * context + 0.159
}

/** Attention of one chunk: computing from 2^20 products on, reading below. */
function mistralChunkMs(extended: number, length: number): number {
  const product = extended * length
  if (product < 1_048_576) return mistralReadMs(length)
  return (
    0.12386358316396695 -
    7.45358651e-4 * extended +
    1.72022673e-3 * length +
    1.36265841e-6 * product
  )
}

/** Part of the time that the regressions cover. */
const mistralCovered = 0.85

/**
 * Mistral-7B on one A100. The linear layers see prompts and decoding sequences as one batch: the part
 * for prompts is what they add to it.
 */
export const prebleMistral: StepTime = {
  decodeMs: ({ decoding, contextTokens }) =>
    decoding === 0
      ? 0
      : (mistralLinearMs(decoding) + mistralReadMs(contextTokens)) / mistralCovered,
  prefillMs: ({ decoding, chunks, starts, tokens }) => {
    if (chunks === 0) return 0
    let extendedAll = 0
    let ms = decoding === 0 ? 0 : -mistralLinearMs(decoding)
    for (let at = 0; at < chunks; at += 1) {
      const extended = tokens[at] ?? 0
      extendedAll += extended
      ms += mistralChunkMs(extended, (starts[at] ?? 0) + extended)
    }
    return (ms + mistralLinearMs(decoding + extendedAll)) / mistralCovered
  },
}

interface Llama3Law {
  readonly fixedMs: number
  readonly tokenMs: number
  readonly lengthMs: number
  readonly productMs: number
  /** Reading one token of the KV cache: 320 KB ÷ memory bandwidth of the pair. */
  readonly readMs: number
}

/**
 * Llama-3-70B on two GPUs. Preble gives a law for one prompt only; its fixed part counts once per
 * step. It publishes none for decoding: the fixed part (the weights are read) and the KV cache at the
 * bandwidth of the memory stand in, computed, not measured.
 */
function prebleLlama3({ fixedMs, tokenMs, lengthMs, productMs, readMs }: Llama3Law): StepTime {
  return {
    decodeMs: ({ decoding, contextTokens }) =>
      decoding === 0 ? 0 : fixedMs + readMs * contextTokens,
    prefillMs: ({ decoding, chunks, starts, tokens }) => {
      if (chunks === 0) return 0
      let ms = decoding > 0 ? 0 : fixedMs
      for (let at = 0; at < chunks; at += 1) {
        const extended = tokens[at] ?? 0
        const length = (starts[at] ?? 0) + extended
        ms += tokenMs * extended + lengthMs * length + productMs * extended * length
      }
      return ms
    },
  }
}

/** Two A100 at 2.0 TB/s each. */
export const prebleLlama3A100 = prebleLlama3({
  fixedMs: 28.931389307785594,
  tokenMs: 0.182233431,
  lengthMs: 4.00365142e-3,
  productMs: 2.55050069e-6,
  readMs: 8e-5,
})

/** Two H100 at 3.35 TB/s each. */
export const prebleLlama3H100 = prebleLlama3({
  fixedMs: 18.667,
  tokenMs: 0.0798791,
  lengthMs: 2.6853e-3,
  productMs: 7.4434e-7,
  readMs: 4.8e-5,
})
