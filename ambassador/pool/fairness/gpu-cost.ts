import { type PrefillRates, prefillMs } from '../cost/prefill-cost.ts'

/**
 * What a step of decoding takes for all its calls together, and for each token of context more: a model
 * of 8 billion parameters in 16 bits (16 GB of weights, 128 KiB of KV cache for a token, as Llama 3) is
 * read at the 3.35 TB/s of one H100.
 */
const weightsMs = 4.8
const contextTokenMs = 4e-5

/** A call's prompt and answer, as they are expected or as they were. Tokens. */
export interface Work {
  readonly prompt: number
  /** Of the prompt: what is cached costs no more than that others attend to it. */
  readonly cached: number
  readonly generated: number
}

/** How the replica does it. */
export interface Workplace {
  readonly rates: PrefillRates
  /** Calls that share its steps, this one among them; at least 1. */
  readonly inFlight: number
  /** How many times as long as usual it takes. */
  readonly slowness: number
}

/** Milliseconds of one replica's time, in two parts: the answer may be another one than expected. */
export interface GpuCost {
  readonly prefillMs: number
  readonly decodeMs: number
}

/** What a call costs the replica: its prefill, and its part of the steps in which it decodes. */
export function gpuCost(work: Work, { rates, inFlight, slowness }: Workplace): GpuCost {
  const { prompt, cached, generated } = work
  const tokenMs = weightsMs / inFlight + contextTokenMs * (prompt + generated / 2)
  return {
    prefillMs: prefillMs(rates, prompt - cached, cached) * slowness,
    decodeMs: tokenMs * generated * slowness,
  }
}
