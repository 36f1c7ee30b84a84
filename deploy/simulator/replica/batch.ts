/** What an engine step computes. The engine reuses one object: read it, do not keep it. */
export interface Batch {
  /** Sequences that take one token. */
  readonly decoding: number
  /** Their tokens in the KV cache in sum, those of this step included. */
  readonly contextTokens: number
  /** Part of the KV blocks that live calls hold, 0 to 1. */
  readonly activeShare: number
  /** Number of chunks of prompts. */
  readonly chunks: number
  /** Tokens that each chunk has before it, cached ones included; `chunks` entries count. */
  readonly starts: readonly number[]
  /** Tokens of each chunk, at least 1. */
  readonly tokens: readonly number[]
}

/**
 * How long a step takes, in ms: the sum of both parts, pure functions of the batch. What a step costs
 * whatever it computes (reading the weights) is in the part for decoding where the step decodes, and
 * in the part for prompts where it does not.
 */
export interface StepTime {
  decodeMs(batch: Batch): number
  prefillMs(batch: Batch): number
}
