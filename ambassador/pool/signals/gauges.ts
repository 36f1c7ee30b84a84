/** What one replica said of itself when it was last asked. */
export interface Gauges {
  /** Milliseconds on the pool's clock; -Infinity where it never answered. */
  readonly atMs: number
  readonly running: number
  readonly waiting: number
  /** Part of the KV cache that live calls hold, 0 to 1. */
  readonly kvUsage: number
  /** Capacity of the KV cache in tokens; undefined where the replica does not say. */
  readonly kvTokens: number | undefined
  /** Tokens in a block; undefined where the replica does not say. */
  readonly blockTokens: number | undefined
  /** Calls it had to stop and start again for want of blocks, since its start. */
  readonly preemptions: number
}

/** Of a replica that has not been asked yet. */
export const unknownGauges: Gauges = {
  atMs: Number.NEGATIVE_INFINITY,
  running: 0,
  waiting: 0,
  kvUsage: 0,
  kvTokens: undefined,
  blockTokens: undefined,
  preemptions: 0,
}
