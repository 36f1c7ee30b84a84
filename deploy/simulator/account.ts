export type FinishReason = 'stop' | 'length' | 'abort'

/** Token counts of one call; `completionTokens` grows while it runs. */
export interface Account {
  readonly promptTokens: number
  /** Of the prompt, found in the prefix cache at its first admission; 0 before. */
  readonly cachedTokens: number
  /** Of the prompt, in whole blocks that were computed for it. */
  readonly createdTokens: number
  readonly completionTokens: number
  /** What vLLM tells under `--enable-per-request-metrics`; absent where it does not. */
  readonly times?: CallTimes
}

/** Of one call, in milliseconds. */
export interface CallTimes {
  readonly queueMs: number
  /** From the first admission. */
  readonly firstTokenMs: number
  /** From the first token to the last. */
  readonly generationMs: number
}
