import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ambassadorMetrics } from '#ambassador/telemetry/metrics.ts'
import type { Generation } from '#shared/telemetry/generations.ts'
import { defineMetrics } from '#shared/telemetry/metrics.ts'
import type { PushFailure } from '#shared/telemetry/metrics-push.ts'
import { startMetricsPush } from '#shared/telemetry/otel-metrics.ts'
import { stopMsMax } from '#shared/telemetry/tracing.ts'
import { manualClock } from '#test/manual-clock.ts'
import { startCollector } from './collector.ts'

const table = {
  calls: { name: 'x_calls_total', help: 'Calls.', type: 'counter', labels: ['outcome'] },
  size: { name: 'x_size_bytes', help: 'Size.', type: 'gauge', labels: [], unit: 'bytes' },
  took: {
    name: 'x_took_seconds',
    help: 'Took.',
    type: 'histogram',
    labels: [],
    buckets: [1, 2],
    unit: 'seconds',
  },
} as const

async function stage(t: TestContext, answer: 200 | 400 | 'never' = 200) {
  const collector = await startCollector(answer)
  t.after(() => collector.close())
  const clock = manualClock()
  const failures: PushFailure[] = []
  const push = (
    families: Parameters<typeof startMetricsPush>[0]['families'],
    generation: Generation,
  ) =>
    startMetricsPush({
      service: 'outrigger-test',
      instance: 'pod-1',
      endpoint: `${collector.base}/v1/metrics`,
      intervalMs: 1_000,
      generation,
      families,
      clock,
      onFailed: (reason) => failures.push(reason),
    })
  return { collector, clock, failures, push }
}

/** Metrics of a body by name. */
function metricsIn(body: string): Record<string, Record<string, unknown>> {
  const { resourceMetrics } = JSON.parse(body.slice(body.indexOf('\n')))
  const [{ scopeMetrics, resource }] = resourceMetrics
  assert.deepEqual(resource.attributes.map(({ key }: { key: string }) => key).toSorted(), [
    'service.instance.id',
    'service.name',
  ])
  const [{ metrics }] = scopeMetrics
  return Object.fromEntries(metrics.map((metric: { name: string }) => [metric.name, metric]))
}

test('what is counted goes to the collector as OTLP over HTTP', async (t) => {
  const { collector, clock, failures, push } = await stage(t)
  const { metrics, families } = defineMetrics(table)
  metrics.calls.add(3, ['ok'])
  metrics.size.set(9, [])
  for (const seconds of [0.5, 1, 1.5, 5]) metrics.took.observe(seconds, [])
  const running = await push(families, 'latest')
  clock.advance(1_000)
  await running.stop()
  assert.deepEqual([collector.problems, failures, clock.pending()], [[], [], 0])
  const sent = metricsIn(collector.bodies[0] ?? '')
  assert.deepEqual(Object.keys(sent), ['x_calls', 'x_size_bytes', 'x_took_seconds'])
  const times = { startTimeUnixNano: '1767225600000000000', timeUnixNano: '1767225601000000000' }
  assert.deepEqual(sent['x_calls']?.['sum'], {
    aggregationTemporality: 2,
    isMonotonic: true,
    dataPoints: [
      { attributes: [{ key: 'outcome', value: { stringValue: 'ok' } }], ...times, asDouble: 3 },
    ],
  })
  assert.deepEqual([sent['x_size_bytes']?.['unit'], sent['x_took_seconds']?.['unit']], ['By', 's'])
  assert.deepEqual(sent['x_size_bytes']?.['gauge'], {
    dataPoints: [{ attributes: [], ...times, asDouble: 9 }],
  })
  const { dataPoints } = Object(sent['x_took_seconds']?.['histogram'])
  assert.deepEqual(
    [
      dataPoints[0].bucketCounts,
      dataPoints[0].explicitBounds,
      dataPoints[0].sum,
      dataPoints[0].count,
    ],
    [[2, 1, 1], [1, 2], 8, 4],
  )
})

test('the GenAI metrics have the conventions’ own names, units and attributes', async (t) => {
  const { collector, push } = await stage(t)
  const { metrics, families } = ambassadorMetrics()
  metrics.genAiOperationDuration.observe(1, ['chat', 'pool', 'tiny', ''])
  metrics.genAiTokenUsage.observe(1, ['chat', 'pool', 'tiny', 'input'])
  await (await push(families, 'both')).stop()
  const sent = metricsIn(collector.bodies[0] ?? '')
  const keysOf = (name: string) => {
    const { dataPoints } = Object(sent[name]?.['histogram'])
    return dataPoints[0].attributes.map(({ key }: { key: string }) => key)
  }
  assert.deepEqual(keysOf('gen_ai.client.operation.duration'), [
    'gen_ai.operation.name',
    'gen_ai.provider.name',
    'gen_ai.system',
    'gen_ai.request.model',
  ])
  assert.equal(sent['gen_ai.client.token.usage']?.['unit'], '{token}')
  assert.ok(keysOf('gen_ai.client.token.usage').includes('gen_ai.token.type'))
})

test('a collector that refuses is counted, and the next push makes up for it', async (t) => {
  const { failures, push } = await stage(t, 400)
  await (await push(defineMetrics(table).families, 'latest')).stop()
  assert.deepEqual(failures, ['export-failed'])
})

test('a collector that hangs holds one push and not the stop', async (t) => {
  const { collector, clock, failures, push } = await stage(t, 'never')
  const running = await push(defineMetrics(table).families, 'latest')
  clock.advance(3_000)
  await collector.first
  assert.deepEqual(failures, ['busy', 'busy'])
  const stopped = running.stop()
  clock.advance(stopMsMax)
  await stopped
  assert.equal(clock.pending(), 0)
})
