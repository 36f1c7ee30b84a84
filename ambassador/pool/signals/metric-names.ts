import { WantedNames } from './prometheus-text.ts'
import type { Counters, EngineKind } from './replica-signals.ts'

/** A number that series are added up to. */
export type Quantity =
  | 'running'
  | 'waiting'
  | 'deferred'
  | 'kvUsage'
  | 'kvTokens'
  | 'blockTokens'
  | keyof Counters

/** What a series of a name says. */
export type Meaning =
  | {
      readonly says: 'quantity'
      readonly kind: EngineKind
      readonly quantity: Quantity
      /**
       * Keeps series apart that are added up; without it several of one engine are the same one.
       */
      readonly by?: string
      /** Names beside another of the same quantity that count besides it. */
      readonly part?: string
    }
  | {
      readonly says: 'one-of'
      readonly kind: EngineKind
      /** The label that says which. */
      readonly by: string
      readonly quantities: ReadonlyMap<string, Quantity>
    }
  | {
      readonly says: 'cache'
      readonly blockTokens: string
      readonly blocks: string
      /** Where the page gives the capacity itself. */
      readonly tokens: string | undefined
    }
  | { readonly says: 'adapters' | 'sleep' | 'start' }

const vllm = (quantity: Quantity, by?: string): Meaning => ({
  says: 'quantity',
  kind: 'vllm',
  quantity,
  ...(by === undefined ? {} : { by }),
})
const sglang = (quantity: Quantity, by?: string): Meaning => ({
  says: 'quantity',
  kind: 'sglang',
  quantity,
  ...(by === undefined ? {} : { by }),
})

const waitingReasons: ReadonlyMap<string, Quantity> = new Map([['deferred', 'deferred']])
const promptSources: ReadonlyMap<string, Quantity> = new Map([
  ['local_compute', 'computedTokens'],
  ['local_cache_hit', 'cachedTokens'],
  ['external_kv_transfer', 'transferredTokens'],
])

/**
 * Series by name. A page may hold an old name beside the one that replaced it: both are the same
 * series of an engine, and count once.
 *
 * Sources: vLLM 0.32, measured; vllm/v1/metrics/loggers.py, older names included; SGLang
 * python/sglang/srt/observability/metrics_collector.py, and the labels of `cache_config_info` that
 * its gauges replaced in 0.5.11.
 */
export const meanings: ReadonlyMap<string, Meaning> = new Map([
  ['process_start_time_seconds', { says: 'start' }],

  ['vllm:num_requests_running', vllm('running')],
  ['vllm:num_requests_waiting', vllm('waiting')],
  [
    'vllm:num_requests_waiting_by_reason',
    { says: 'one-of', kind: 'vllm', by: 'reason', quantities: waitingReasons },
  ],
  ['vllm:kv_cache_usage_perc', vllm('kvUsage')],
  ['vllm:gpu_cache_usage_perc', vllm('kvUsage')],
  ['vllm:prefix_cache_queries_total', vllm('queriedTokens')],
  ['vllm:gpu_prefix_cache_queries_total', vllm('queriedTokens')],
  ['vllm:prefix_cache_hits_total', vllm('hitTokens')],
  ['vllm:gpu_prefix_cache_hits_total', vllm('hitTokens')],
  [
    'vllm:prompt_tokens_by_source_total',
    { says: 'one-of', kind: 'vllm', by: 'source', quantities: promptSources },
  ],
  ['vllm:generation_tokens_total', vllm('generatedTokens')],
  ['vllm:num_preemptions_total', vllm('preemptions')],
  ['vllm:admission_rejections_total', vllm('rejections', 'reason')],
  ['vllm:engine_sleep_state', { says: 'sleep' }],
  ['vllm:lora_requests_info', { says: 'adapters' }],
  [
    'vllm:cache_config_info',
    {
      says: 'cache',
      blockTokens: 'block_size',
      blocks: 'num_gpu_blocks',
      tokens: 'kv_cache_size_tokens',
    },
  ],

  ['sglang:num_running_reqs', sglang('running')],
  ['sglang:num_queue_reqs', sglang('waiting')],
  // Those whose grammar is being compiled stand in a line of their own.
  [
    'sglang:num_grammar_queue_reqs',
    { says: 'quantity', kind: 'sglang', quantity: 'waiting', part: 'grammar' },
  ],
  ['sglang:token_usage', sglang('kvUsage')],
  ['sglang:max_total_num_tokens', sglang('kvTokens')],
  ['sglang:page_size', sglang('blockTokens')],
  [
    'sglang:cache_config_info',
    { says: 'cache', blockTokens: 'page_size', blocks: 'num_pages', tokens: undefined },
  ],
  ['sglang:prompt_tokens_total', sglang('queriedTokens')],
  ['sglang:cached_tokens_total', sglang('hitTokens', 'cache_source')],
  ['sglang:generation_tokens_total', sglang('generatedTokens')],
  ['sglang:num_retracted_requests_total', sglang('preemptions')],
])

export const wantedSeries = new WantedNames(meanings)
