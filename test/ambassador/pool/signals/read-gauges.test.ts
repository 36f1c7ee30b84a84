import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unknownGauges } from '#ambassador/pool/signals/gauges.ts'
import { hasRestarted, ratesOf } from '#ambassador/pool/signals/rates.ts'
import { MetricsPage, type Reading } from '#ambassador/pool/signals/read-gauges.ts'
import { unknownSignals } from '#ambassador/pool/signals/replica-signals.ts'
import { pageOf, recordedPage } from './pages.ts'

function end(text: string, atMs = 1_000) {
  const page = new MetricsPage()
  page.write(Buffer.from(text))
  return page.end(atMs)
}

function read(text: string, atMs = 1_000): Reading {
  const reading = end(text, atMs)
  assert.ok('signals' in reading, JSON.stringify(reading))
  return reading
}

test('a recorded page says all that is known of its replica', () => {
  const { signals, faults } = read(recordedPage)
  assert.deepEqual(signals, {
    atMs: 1_000,
    running: 0,
    waiting: 0,
    kvUsage: 0,
    kvTokens: 3_200,
    blockTokens: 32,
    preemptions: 0,
    kind: 'vllm',
    models: ['tiny'],
    engines: [
      { engine: '0', running: 0, waiting: 0, kvUsage: 0, kvTokens: 3_200, blockTokens: 32 },
    ],
    promptTokensMax: 3_200,
    deferred: 0,
    isPrefixCaching: true,
    sleep: 'awake',
    // The series of the adapter that ran before is still on the page, with an earlier time.
    adapters: { active: [], max: 1 },
    counters: {
      queriedTokens: 400,
      hitTokens: 96,
      computedTokens: 304,
      cachedTokens: 96,
      transferredTokens: 0,
      generatedTokens: 64,
      preemptions: 0,
      rejections: 0,
    },
    rates: undefined,
  })
  assert.equal(faults, 0)
})

test('of several engines the calls are added up and the fullest KV cache counts', () => {
  const engine = (rank: number, [running, waiting, usage]: readonly number[]) => `
vllm:num_requests_running{engine="${rank}",model_name="m"} ${running}
vllm:num_requests_waiting{engine="${rank}",model_name="m"} ${waiting}
vllm:kv_cache_usage_perc{engine="${rank}",model_name="m"} ${usage}
vllm:num_preemptions_total{engine="${rank}",model_name="m"} ${rank}
vllm:cache_config_info{engine="${rank}",block_size="16",num_gpu_blocks="${100 + rank}"} 1`
  const { signals } = read(engine(10, [1, 2, 0.9]) + engine(2, [4, 8, 0.25]))
  const { running, waiting, kvUsage, preemptions, kvTokens, promptTokensMax, blockTokens } = signals
  assert.deepEqual([running, waiting, kvUsage, preemptions], [5, 10, 0.9, 12])
  assert.deepEqual([kvTokens, promptTokensMax, blockTokens], [16 * 212, 16 * 102, 16])
  assert.deepEqual(
    signals.engines.map((each) => [each.engine, each.kvUsage, each.kvTokens]),
    [
      ['2', 0.25, 1_632],
      ['10', 0.9, 1_760],
    ],
  )
})

test('where one engine does not say its capacity, that of the replica is unknown', () => {
  const other = pageOf({}).replaceAll('engine="0"', 'engine="1"')
  const { signals } = read(
    pageOf({}, 'vllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="9"} 1') + other,
  )
  assert.deepEqual(
    [signals.kvTokens, signals.promptTokensMax, signals.blockTokens],
    [undefined, undefined, 16],
  )
})

test('geometry that names no engine is that of each', () => {
  const other = pageOf({}).replaceAll('engine="0"', 'engine="1"')
  const info =
    'vllm:cache_config_info{block_size="16",num_gpu_blocks="10",enable_prefix_caching="False"} 1'
  const { signals } = read(pageOf({}, info) + other)
  assert.deepEqual([signals.kvTokens, signals.promptTokensMax], [320, 160])
  assert.equal(signals.isPrefixCaching, false)
})

test('geometry in words is none: Python writes None', () => {
  for (const blocks of ['None', '', '-1', '0', '1e3', 'NaN']) {
    const info = `vllm:cache_config_info{block_size="16",num_gpu_blocks="${blocks}",kv_cache_size_tokens="None"} 1`
    assert.equal(read(pageOf({}, info)).signals.kvTokens, undefined)
  }
})

test('a page of an old vLLM is read by the old names, and both names together count once', () => {
  const old = pageOf({ kvUsage: 0.5 }).replaceAll('kv_cache_usage_perc', 'gpu_cache_usage_perc')
  const counted = `vllm:gpu_prefix_cache_queries_total{engine="0",model_name="m"} 100
vllm:gpu_prefix_cache_hits_total{engine="0",model_name="m"} 40
`
  const { signals } = read(old + counted)
  assert.deepEqual([signals.kvUsage, signals.counters.queriedTokens], [0.5, 100])
  const both = read(old + counted + counted.replaceAll('gpu_', '') + pageOf({ kvUsage: 0.5 }))
  assert.deepEqual([both.signals.kvUsage, both.signals.counters.hitTokens], [0.5, 40])
})

test('a page of several models is added up', () => {
  const { signals } = read(pageOf({ running: 1 }) + pageOf({ running: 2 }).replaceAll('"m"', '"n"'))
  assert.deepEqual([signals.running, signals.models, signals.engines.length], [3, ['m', 'n'], 1])
})

test('the newest series says which adapters are active, with the waiting ones where they differ', () => {
  const series = (adapters: string, time: string) =>
    `vllm:lora_requests_info{max_lora="4",running_lora_adapters="${adapters}",waiting_lora_adapters="d, b"} ${time}`
  const lines = [
    series('b', '1.7e9'),
    series('a, b', '1.8e9'),
    series('c', '1.6e9'),
    series('x', 'NaN'),
  ]
  assert.deepEqual(read(pageOf({}, lines.join('\n'))).signals.adapters, {
    active: ['a', 'b', 'd'],
    max: 4,
  })
  assert.equal(read(pageOf({})).signals.adapters, undefined)
})

test('a replica sleeps as deep as its deepest engine', () => {
  const state = (name: string, value: number, engine = 0) =>
    `vllm:engine_sleep_state{engine="${engine}",sleep_state="${name}"} ${value}`
  const sleepOf = (...lines: string[]) => read(pageOf({}, lines.join('\n'))).signals.sleep
  assert.equal(sleepOf(), undefined)
  assert.equal(sleepOf(state('awake', 1), state('discard_all', 0)), 'awake')
  assert.equal(sleepOf(state('awake', 0)), 'weights-offloaded')
  assert.equal(sleepOf(state('awake', 0), state('weights_offloaded', 1)), 'weights-offloaded')
  assert.equal(
    sleepOf(state('awake', 1), state('awake', 0, 1), state('discard_all', 1, 1)),
    'discard-all',
  )
})

test('rejections of all reasons are added up, and deferred calls are told from those without room', () => {
  const rest = `vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"} 3
vllm:admission_rejections_total{model_name="m",reason="max_num_queued_tokens"} 4
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 5
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="deferred"} 2`
  const { signals } = read(pageOf({ waiting: 7 }, rest))
  assert.deepEqual([signals.counters.rejections, signals.deferred, signals.waiting], [7, 2, 7])
})

test('a page of SGLang is read by its names: ranks that hold one engine together count once', () => {
  const rank = (tp: number, dp: number) => `
sglang:num_running_reqs{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} ${3 + dp}
sglang:num_queue_reqs{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 2
sglang:num_grammar_queue_reqs{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 1
sglang:token_usage{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 0.${dp + 1}
sglang:max_total_num_tokens{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 1000.0
sglang:page_size{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 64.0
sglang:num_retracted_requests_total{model_name="m",tp_rank="${tp}",dp_rank="${dp}"} 5`
  const counted = `
sglang:num_running_reqs{model_name="m",tp_rank="0",dp_rank="0",priority="7"} 3
sglang:prompt_tokens_total{model_name="m"} 8.128902e+06
sglang:cached_tokens_total{model_name="m",cache_source="device"} 40
sglang:cached_tokens_total{model_name="m",cache_source="host"} 2
`
  const { signals } = read(rank(0, 0) + rank(1, 0) + rank(0, 1) + rank(1, 1) + counted)
  const { kind, running, waiting, kvUsage, kvTokens, promptTokensMax, blockTokens } = signals
  assert.deepEqual([kind, running, waiting, kvUsage], ['sglang', 7, 6, 0.2])
  assert.deepEqual([kvTokens, promptTokensMax, blockTokens], [2_000, 1_000, 64])
  assert.deepEqual([signals.preemptions, signals.counters.hitTokens], [10, 42])
  assert.equal(signals.counters.queriedTokens, 8_128_902)
  const older = rank(0, 0).replace(/sglang:(?:max_total|page_size).*\n/g, '')
  const info = '\nsglang:cache_config_info{page_size="1",num_pages="500"} 1'
  assert.equal(read(older + info).signals.kvTokens, 500)
})

test('a page without running, waiting or KV use is unusable, and so is a foreign one', () => {
  for (const name of ['num_requests_running', 'num_requests_waiting', 'kv_cache_usage_perc']) {
    const without = pageOf({}).replace(new RegExp(`vllm:${name}.*`), '')
    assert.deepEqual(end(without), { reason: `it does not say 'vllm:${name}'`, isForeign: false })
    const broken = pageOf({}).replace(new RegExp(`(vllm:${name}.*) 0`), '$1 NaN')
    assert.deepEqual(end(broken), { reason: `it does not say 'vllm:${name}'`, isForeign: false })
  }
  for (const text of ['', '<html>login</html>', 'go_goroutines 7\nprocess_start_time_seconds 1']) {
    const unusable = end(text)
    assert.equal('reason' in unusable && unusable.isForeign, true)
  }
})

test('numbers of a page are never below 0, KV use never above 1, whatever the page says', () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), fc.double(), (running, waiting, kvUsage) => {
      const reading = end(pageOf({ running, waiting, kvUsage }))
      if ('reason' in reading) return
      const { signals } = reading
      assert.ok(signals.running >= 0 && signals.waiting >= 0)
      assert.ok(signals.kvUsage >= 0 && signals.kvUsage <= 1)
    }),
  )
})

test('what nobody has said of a replica is the seam’s own', () => {
  const { atMs, running, waiting, kvUsage, kvTokens, blockTokens, preemptions } = unknownSignals
  assert.deepEqual(
    { atMs, running, waiting, kvUsage, kvTokens, blockTokens, preemptions },
    unknownGauges,
  )
})

const source = (name: string, tokens: number) =>
  `vllm:prompt_tokens_by_source_total{engine="0",model_name="m",source="${name}"} ${tokens}\n`

test('rates are of what came between two pages', () => {
  const counted = (computed: number, cached: number, generated: number) =>
    `${source('local_compute', computed)}${source('local_cache_hit', cached)}vllm:generation_tokens_total{engine="0"} ${generated}`
  const earlier = read(pageOf({}, counted(100, 0, 10)), 1_000)
  const later = read(pageOf({}, counted(130, 70, 60)), 3_000)
  assert.equal(hasRestarted(earlier, later), false)
  assert.deepEqual(ratesOf(earlier, later), {
    spanMs: 2_000,
    hitRate: 0.7,
    promptTokensPerSecond: 50,
    generatedTokensPerSecond: 25,
    preemptionsPerSecond: undefined,
    rejectionsPerSecond: undefined,
  })
  const idle = read(pageOf({}, counted(130, 70, 60)), 4_000)
  assert.equal(ratesOf(later, idle)?.hitRate, undefined)
  assert.equal(ratesOf(later, later), undefined)
})

test('where a page does not tell sources apart, queries and hits give the rate', () => {
  const counted = (queries: number, hits: number) =>
    `vllm:prefix_cache_queries_total{engine="0"} ${queries}\nvllm:prefix_cache_hits_total{engine="0"} ${hits}`
  const rates = ratesOf(
    read(pageOf({}, counted(0, 0)), 0),
    read(pageOf({}, counted(50, 20)), 1_000),
  )
  assert.deepEqual([rates?.hitRate, rates?.promptTokensPerSecond], [0.4, 50])
})

test('one counter that goes back is a restart, even where the others grow', () => {
  const earlier = read(pageOf({}, source('local_compute', 5) + source('local_cache_hit', 5)))
  const later = read(pageOf({}, source('local_compute', 900) + source('local_cache_hit', 4)))
  assert.equal(hasRestarted(earlier, later), true)
  // An engine that joins has counted nothing, and one that leaves takes nothing back.
  const joined = read(
    pageOf({}, source('local_compute', 5) + source('local_cache_hit', 5)) +
      source('local_compute', 0).replace('"0"', '"1"'),
  )
  assert.equal(hasRestarted(earlier, joined), false)
  assert.equal(hasRestarted(joined, earlier), false)
})

test('another start of the process is a restart, whatever its counters say', () => {
  const at = (seconds: number) => read(pageOf({}, `process_start_time_seconds ${seconds}`))
  assert.equal(hasRestarted(at(1_795_215_293.21), at(1_795_215_293.2)), false)
  assert.equal(hasRestarted(at(1_795_215_293), at(1_795_215_400)), true)
  assert.equal(hasRestarted(at(1_795_215_293), read(pageOf({}))), false)
})
