import type { ReplicaOptions } from './options.ts'
import type { Histogram } from './statistics.ts'
import type { TextEngine } from './text-engine.ts'

/** A number as Python's Prometheus client writes it: always with a point. */
export function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`
}

/**
 * The text of `/metrics`, with vLLM 0.32's names and labels. `createdS` is when the replica began,
 * in seconds.
 */
export function metricsText(engine: TextEngine, options: ReplicaOptions, createdS: number): string {
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
  const { statistics, gauges, totals, rest } = engine
  gauge('num_requests_running', gauges.running)
  gauge('num_requests_waiting', gauges.waiting)
  family('num_requests_waiting_by_reason', 'gauge', [
    [`${base},reason="capacity"`, gauges.waiting],
    [`${base},reason="deferred"`, 0],
  ])
  family('engine_sleep_state', 'gauge', [
    // Of a pause no metric tells.
    [`${base},sleep_state="awake"`, rest === 'awake' || rest === 'paused' ? 1 : 0],
    [`${base},sleep_state="weights_offloaded"`, rest === 'weights_offloaded' ? 1 : 0],
    [`${base},sleep_state="discard_all"`, rest === 'discard_all' ? 1 : 0],
  ])
  if (options.kvMetrics) {
    gauge('kv_cache_usage_perc', gauges.kvUsage)
    counter('prefix_cache_queries', [[base, totals.prompt]])
    counter('prefix_cache_hits', [[base, totals.cached]])
  }
  counter('num_preemptions', [[base, gauges.preemptions]])
  for (const name of unused) counter(name, [[base, 0]])
  counter('prompt_tokens', [[base, totals.prompt]])
  counter('prompt_tokens_by_source', [
    [`${base},source="local_compute"`, totals.prompt - totals.cached],
    [`${base},source="local_cache_hit"`, totals.cached],
    [`${base},source="external_kv_transfer"`, 0],
  ])
  counter('prompt_tokens_cached', [[base, totals.cached]])
  counter(
    'prompt_tokens_cached_by_source',
    ['device', 'host', 'p2p', 'disk', 'external_unspecified'].map((source) => [
      `${base},source="${source}"`,
      source === 'device' ? totals.cached : 0,
    ]),
  )
  counter('generation_tokens', [[base, totals.generated]])
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
  if (options.lorasMax > 0) family('lora_requests_info', 'gauge', loraSeries(engine, options))
  if (options.kvMetrics) family('cache_config_info', 'gauge', [[cacheLabels(options), 1]])
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
]

/** Both labels name the same set, as vLLM's do: a waiting adapter cannot be told from a running one. */
function loraSeries({ loras }: TextEngine, { lorasMax }: ReplicaOptions): [string, number][] {
  return loras.list().map(([set, atS]) => {
    const adapters = `running_lora_adapters="${set}",waiting_lora_adapters="${set}"`
    return [`max_lora="${lorasMax}",${adapters}`, atS]
  })
}

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
