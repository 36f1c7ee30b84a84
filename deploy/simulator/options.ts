import { type Clock, systemClock } from './clock.ts'
import type { PlainStepTime } from './plain-step-time.ts'

/** What one simulated replica is; every field has a default in `replicaDefaults`. */
export interface ReplicaOptions extends PlainStepTime {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  /** The served model name. */
  readonly model: string
  /** What `/version` says; below 0.27 `cache_salt` is ignored on `/v1/messages`, as those do. */
  readonly version: string
  /** Seeds texts, vectors and ids: equal seeds give equal answers. */
  readonly seed: number
  /** Above 0; 0.5 is a replica half as fast. */
  readonly speed: number
  /** Calls that run at once (vLLM's `max_num_seqs`); the rest wait. */
  readonly runningMax: number
  /** Tokens of a step (vLLM's `max_num_batched_tokens`); at least `runningMax`. */
  readonly stepTokensMax: number
  /** vLLM's `--scheduling-policy`. */
  readonly scheduling: 'fcfs' | 'priority'
  /** Whether under `fcfs` a call with a `priority` is refused (400), as some vLLMs do; others ignore it. */
  readonly refusesPriority: boolean
  /** Calls that may run and wait together (vLLM's `--max-num-queued-reqs`); 0 is no limit. */
  readonly queuedMax: number
  /** KV cache blocks, the one that vLLM keeps for itself included. */
  readonly blocks: number
  /** Tokens in a KV block. */
  readonly blockTokens: number
  /**
   * Prompt and answer together, in tokens (vLLM's `max_model_len`); less where the cache holds less.
   */
  readonly contextTokensMax: number
  /** Tokens of an answer whose request names no limit. */
  readonly answerTokens: number
  /** Largest request body, in bytes. */
  readonly bodyBytesMax: number
  /** Adapters on the GPU at once (vLLM's `--max-loras`); 0 is a server without adapters. */
  readonly lorasMax: number
  /** Adapters known from the start. */
  readonly loras: readonly string[]
  /** By how much loading an adapter lengthens the step that needs it, in milliseconds. */
  readonly adapterLoadMs: number
  /** `VLLM_ALLOW_RUNTIME_LORA_UPDATING`. */
  readonly runtimeLoras: boolean
  /** Whether responses are kept, in its own memory (`VLLM_ENABLE_RESPONSES_API_STORE`). */
  readonly storesResponses: boolean
  /** `VLLM_SERVER_DEV_MODE`. */
  readonly devMode: boolean
  /** Whether usage tells cached tokens (`--enable-prompt-tokens-details`). */
  readonly promptTokensDetails: boolean
  /** Whether answers that are not streamed tell their times (`--enable-per-request-metrics`). */
  readonly perRequestMetrics: boolean
  /** Whether `/load` counts (`--enable-server-load-tracking`). */
  readonly serverLoad: boolean
  /** Whether `/metrics` tells of the KV cache. */
  readonly kvMetrics: boolean
  /** Idle connections are closed after so many milliseconds. */
  readonly keepAliveMs: number
  /** Calls kept for `calls()`. */
  readonly callsKept: number
  /** Whether the request header `x-sim-fault` is obeyed. */
  readonly faultsByHeader: boolean
  /** What `kill` does besides; null is a replica inside another process, which closes. */
  readonly kill: (() => void) | null
  readonly clock: Clock
}

export const replicaDefaults: ReplicaOptions = {
  port: 0,
  model: 'llama-3-8b',
  // The one whose answers were recorded.
  version: '0.32.0',
  seed: 1,
  // About an 8B model on one data-centre GPU: 20,000 prompt tokens and 100 answer tokens a second.
  stepTime: 'plain',
  prefillMs: 20,
  prefillTokenMs: 0.05,
  tokenMs: 10,
  speed: 1,
  runningMax: 64,
  stepTokensMax: 8_192,
  scheduling: 'fcfs',
  refusesPriority: false,
  queuedMax: 0,
  blocks: 4_096,
  blockTokens: 16,
  contextTokensMax: 32_768,
  answerTokens: 64,
  // Larger than any prompt of `contextTokensMax` tokens with images around it.
  bodyBytesMax: 32 * 1_024 * 1_024,
  lorasMax: 0,
  loras: [],
  adapterLoadMs: 0,
  runtimeLoras: false,
  storesResponses: false,
  devMode: false,
  promptTokensDetails: true,
  perRequestMetrics: false,
  serverLoad: false,
  kvMetrics: true,
  // uvicorn's own: a client's pool must expire sooner.
  keepAliveMs: 5_000,
  callsKept: 1_000,
  faultsByHeader: true,
  kill: null,
  clock: systemClock,
}

/** Blocks that calls may hold: one is vLLM's own, of which `num_gpu_blocks` does not tell. */
export function usableBlocks({ blocks }: Pick<ReplicaOptions, 'blocks'>): number {
  return Math.max(1, blocks - 1)
}

/**
 * The options of a replica that starts: a call as long as the context must fit, or it would wait for
 * ever (vLLM's `--max-model-len auto`). Adapters need a place.
 */
export function completeOptions(given: Partial<ReplicaOptions>): ReplicaOptions {
  const options = { ...replicaDefaults, ...given }
  const cacheTokens = usableBlocks(options) * options.blockTokens
  const contextTokensMax = Math.min(options.contextTokensMax, cacheTokens)
  const hasAdapters = options.loras.length > 0 || options.runtimeLoras
  const lorasMax = hasAdapters ? Math.max(1, options.lorasMax) : options.lorasMax
  return { ...options, contextTokensMax, lorasMax }
}
