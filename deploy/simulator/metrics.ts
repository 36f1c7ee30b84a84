import type { Engine } from './engine.ts'
import type { ReplicaOptions } from './options.ts'
import type { Histogram } from './statistics.ts'

/** A number as Python's Prometheus client writes it: always with a point. */
function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`
}

/**
 * The text of `/metrics`, with vLLM 0.32's names and labels. `createdS` is when the replica began,
 * in seconds.
 */
export function metricsText(engine: Engine, options: ReplicaOptions, createdS: number): string {
  const lines: string[] = []
  const base = `engine="0",model_name="${options.model}"`
  const family = (name: string, type: string, series: readonly (readonly [string, number])[]) => {
    lines.push(`# HELP vllm:${name} Simulated.`, `# TYPE vllm:${name} ${type}`)
    for (const [labels, value] of series) lines.push(`vllm:${name}{${labels}} ${float(value)}`)
  }
  const gauge = (name: string, value: number) => family(name, 'gauge', [[base, value]])
  const counter = (name: string, series: readonly (readonly [string, number])[]) => {
    family(`${name}_total`, 'counter', series)
    // Seconds since 1970 under a name that begins like the counter's: scrapers must leave these
    // out.
    family(
      `${name}_created`,
      'gauge',
      series.map(([labels]) => [labels, createdS]),
    )
  }
  const { statistics } = engine
  gauge('num_requests_running', engine.running)
  gauge('num_requests_waiting', engine.waiting)
  family('num_requests_waiting_by_reason', 'gauge', [
    [`${base},reason="capacity"`, engine.waiting],
    [`${base},reason="deferred"`, 0],
  ])
  family('engine_sleep_state', 'gauge', [
    [`${base},sleep_state="awake"`, 1],
    [`${base},sleep_state="weights_offloaded"`, 0],
    [`${base},sleep_state="discard_all"`, 0],
  ])
  gauge('kv_cache_usage_perc', engine.cacheUsage)
  counter('prefix_cache_queries', [[base, statistics.promptTokens]])
  counter('prefix_cache_hits', [[base, statistics.cachedTokens]])
  for (const name of unused) counter(name, [[base, 0]])
  counter('prompt_tokens', [[base, statistics.promptTokens]])
  counter('prompt_tokens_by_source', [
    [`${base},source="local_compute"`, statistics.promptTokens - statistics.cachedTokens],
    [`${base},source="local_cache_hit"`, statistics.cachedTokens],
    [`${base},source="external_kv_transfer"`, 0],
  ])
  counter('prompt_tokens_cached', [[base, statistics.cachedTokens]])
  counter(
    'prompt_tokens_cached_by_source',
    ['device', 'host', 'p2p', 'disk', 'external_unspecified'].map((source) => [
      `${base},source="${source}"`,
      source === 'device' ? statistics.cachedTokens : 0,
    ]),
  )
  counter('generation_tokens', [[base, statistics.generationTokens]])
  const { stop, length, abort } = statistics.finished
  counter(
    'request_success',
    Object.entries({ stop, length, abort, error: 0, repetition: 0 }).map(([reason, value]) => [
      `engine="0",finished_reason="${reason}",model_name="${options.model}"`,
      value,
    ]),
  )
  counter('admission_rejections', [
    [`model_name="${options.model}",reason="max_num_queued_reqs"`, statistics.rejections],
    [`model_name="${options.model}",reason="max_num_queued_tokens"`, 0],
  ])
  for (const [name, histogram] of Object.entries(statistics.histograms)) {
    lines.push(...histogramLines(name, histogram, options.model))
  }
  family('cache_config_info', 'gauge', [[cacheLabels(options), 1]])
  return `${lines.join('\n')}\n`
}

// Counters of parts the simulator does not have; a real server shows them at zero.
const unused = [
  'estimated_flops_per_gpu',
  'estimated_read_bytes_per_gpu',
  'estimated_write_bytes_per_gpu',
  'external_prefix_cache_queries',
  'external_prefix_cache_hits',
  'mm_cache_queries',
  'mm_cache_hits',
  'num_preemptions',
]

function histogramLines(name: string, histogram: Histogram, model: string): string[] {
  const bucket = (bound: string, value: number) =>
    `vllm:${name}_bucket{engine="0",le="${bound}",model_name="${model}"} ${float(value)}`
  const labels = `{engine="0",model_name="${model}"}`
  return [
    `# HELP vllm:${name} Simulated.`,
    `# TYPE vllm:${name} histogram`,
    ...histogram.bounds.map((bound, at) => bucket(float(bound), histogram.counts[at] ?? 0)),
    bucket('+Inf', histogram.count),
    `vllm:${name}_count${labels} ${float(histogram.count)}`,
    `vllm:${name}_sum${labels} ${float(histogram.sum)}`,
  ]
}

function cacheLabels({ blockTokens, blocks }: ReplicaOptions): string {
  return Object.entries({
    _block_size_resolved: 'True',
    block_size: blockTokens,
    cache_dtype: 'auto',
    enable_prefix_caching: 'True',
    engine: 0,
    gpu_memory_utilization: '0.92',
    is_attention_free: 'False',
    kv_cache_size_tokens: blocks * blockTokens,
    num_cpu_blocks: 'None',
    num_gpu_blocks: blocks,
    num_gpu_blocks_override: blocks,
    prefix_caching_hash_algo: 'sha256',
    sliding_window: 'None',
  })
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')
}
