import { type Clock, systemClock } from './clock.ts'

/** What one simulated replica is; every field has a default in `replicaDefaults`. */
export interface ReplicaOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  /** The served model name. */
  readonly model: string
  /** Seeds texts, vectors and ids: equal seeds give equal answers. */
  readonly seed: number
  /** Fixed part of a prefill, in milliseconds. */
  readonly prefillMs: number
  /** Prefill time of each prompt token that is not in the prefix cache, in milliseconds. */
  readonly prefillTokenMs: number
  /**
   * Time between two tokens of one running call, in milliseconds; 0 generates as fast as the client
   * reads.
   */
  readonly tokenMs: number
  /** Calls that run at once (vLLM's `max_num_seqs`); the rest wait, first come first served. */
  readonly runningMax: number
  /** Calls that may run and wait together (vLLM's `--max-num-queued-reqs`); 0 is no limit. */
  readonly queuedMax: number
  /** KV cache blocks. */
  readonly blocks: number
  /** Tokens in a KV block. */
  readonly blockTokens: number
  /** Prompt and answer together, in tokens (vLLM's `max_model_len`). */
  readonly contextTokensMax: number
  /** Tokens of an answer whose request names no limit. */
  readonly answerTokens: number
  /** Largest request body, in bytes. */
  readonly bodyBytesMax: number
  /** Calls kept for `calls()`. */
  readonly callsKept: number
  /** Whether the request header `x-sim-fault` is obeyed. */
  readonly faultsByHeader: boolean
  readonly clock: Clock
}

export const replicaDefaults: ReplicaOptions = {
  port: 0,
  model: 'llama-3-8b',
  seed: 1,
  // About an 8B model on one data-centre GPU: 20,000 prompt tokens and 100 answer tokens a second.
  prefillMs: 20,
  prefillTokenMs: 0.05,
  tokenMs: 10,
  runningMax: 64,
  queuedMax: 0,
  blocks: 2_048,
  blockTokens: 32,
  contextTokensMax: 32_768,
  answerTokens: 64,
  // Larger than any prompt of `contextTokensMax` tokens with images around it.
  bodyBytesMax: 32 * 1_024 * 1_024,
  callsKept: 1_000,
  faultsByHeader: true,
  clock: systemClock,
}
