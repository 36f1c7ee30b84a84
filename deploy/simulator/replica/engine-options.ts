import type { Clock } from '#shared/call/clock.ts'
import type { StepTime } from './batch.ts'

export interface EngineOptions {
  readonly clock: Clock
  /** KV blocks of the replica. */
  readonly blocks: number
  /** Tokens in a block. */
  readonly blockTokens: number
  /** vLLM's max_num_seqs. Default 256. */
  readonly sequencesMax?: number
  /** vLLM's max_num_batched_tokens, at least `sequencesMax`. Default 8192. */
  readonly stepTokensMax?: number
  readonly stepTime: StepTime
  /** vLLM's --scheduling-policy. Default 'fcfs'. */
  readonly scheduling?: 'fcfs' | 'priority'
  /** Above 0; 0.5 is a replica half as fast. Default 1. */
  readonly speed?: number
  /** vLLM's --max-loras. Default: as many as come, and none is ever loaded. */
  readonly adapterSlots?: number
  /** By how much loading an adapter lengthens the step that needs it. Default 0. */
  readonly adapterLoadMs?: number
}
