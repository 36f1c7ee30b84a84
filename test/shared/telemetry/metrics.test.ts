import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ambassadorMetrics, ambassadorTable } from '#ambassador/telemetry/metrics.ts'
import { seriesMax } from '#shared/telemetry/metric-family.ts'
import { defineMetrics, formatFor } from '#shared/telemetry/metrics.ts'
import { sidecarMetrics, sidecarTable } from '#sidecar/telemetry/metrics.ts'
import { parseExposition } from './exposition.ts'

const formats = ['prometheus', 'openmetrics'] as const

const sample = () =>
  defineMetrics({
    calls: {
      name: 'x_calls_total',
      help: 'Calls\\ "all"\nof them.',
      type: 'counter',
      labels: ['a', 'b'],
    },
    open: { name: 'x_open', help: 'Open.', type: 'gauge', labels: [] },
    per: { name: 'x_per', help: 'Each.', type: 'gauge', labels: ['r'] },
    took: {
      name: 'x_took_seconds',
      help: 'Took.',
      type: 'histogram',
      labels: ['a'],
      buckets: [0.1, 1, 10],
      unit: 'seconds',
    },
  })

test('label values come back from both renderings as they were given', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 20 })
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(word, word), {
        selector: (pair) => JSON.stringify(pair),
        maxLength: 8,
      }),
      (pairs) => {
        const { metrics, render } = sample()
        for (const pair of pairs) metrics.calls.add(2, pair)
        for (const format of formats) {
          const name = format === 'openmetrics' ? 'x_calls' : 'x_calls_total'
          const samples = parseExposition(render(format), format).get(name)?.samples ?? []
          const back = samples.map(({ labels }) => [labels['a'], labels['b']])
          assert.deepEqual(back, pairs)
          assert(samples.every(({ value }) => value === 2))
        }
      },
    ),
  )
})

test('help is escaped as each format wants it', () => {
  const { metrics, render } = sample()
  metrics.calls.add(1, ['1', '2'])
  assert.match(render('prometheus'), /# HELP x_calls_total Calls\\\\ "all"\\nof them\.\n/)
  assert.match(render('openmetrics'), /# HELP x_calls Calls\\\\ \\"all\\"\\nof them\.\n/)
})

test('a histogram counts each value in every bucket from its own bound on', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -5, max: 20, noNaN: true })), (values) => {
      const { metrics, render } = sample()
      const kept = metrics.took.series(['x'])
      for (const value of values) kept.observe(value)
      const parsed = parseExposition(render('openmetrics'), 'openmetrics').get('x_took_seconds')
      const buckets = parsed?.samples.filter(({ name }) => name.endsWith('_bucket')) ?? []
      assert.deepEqual(
        buckets.map(({ labels }) => labels['le']),
        ['0.1', '1.0', '10.0', '+Inf'],
      )
      const expected = [0.1, 1, 10, Infinity].map((le) => values.filter((v) => v <= le).length)
      assert.deepEqual(
        buckets.map(({ value }) => value),
        expected,
      )
      assert.equal(parsed?.unit, 'seconds')
    }),
  )
})

test('a metric keeps at most its limit of series, and the rest is counted as other', () => {
  const { metrics, render } = sample()
  for (let i = 0; i < seriesMax + 500; i++) metrics.calls.add(1, [`a${i}`, 'b'])
  const parsed = parseExposition(render('prometheus'), 'prometheus')
  const samples = parsed.get('x_calls_total')?.samples ?? []
  assert.equal(samples.length, seriesMax)
  const other = samples.find(({ labels }) => labels['a'] === 'other' && labels['b'] === 'other')
  assert.equal(other?.value, 501)
  const overflow = parsed.get('outrigger_metrics_overflow_total')?.samples
  assert.deepEqual(overflow, [
    { name: 'outrigger_metrics_overflow_total', labels: { metric: 'x_calls_total' }, value: 501 },
  ])
})

test('a removed series is gone and leaves room', () => {
  const { metrics, render } = sample()
  for (let i = 0; i < 5 * seriesMax; i++) {
    metrics.per.set(1, [`replica-${i}`])
    metrics.per.remove([`replica-${i}`])
  }
  metrics.per.set(3, ['last'])
  const parsed = parseExposition(render('prometheus'), 'prometheus')
  assert.deepEqual(parsed.get('x_per')?.samples, [
    { name: 'x_per', labels: { r: 'last' }, value: 3 },
  ])
})

test('a long label value is cut and stays one series', () => {
  const { metrics, render } = sample()
  metrics.per.add(1, ['x'.repeat(100_000)])
  metrics.per.add(1, ['x'.repeat(100_000)])
  const [only, ...rest] =
    parseExposition(render('prometheus'), 'prometheus').get('x_per')?.samples ?? []
  assert.deepEqual([only?.value, only?.labels['r']?.length, rest.length], [2, 128, 0])
})

test('a counter ignores what would make it fall', () => {
  const { metrics, render } = sample()
  for (const amount of [3, -1, Number.NaN, Infinity]) metrics.calls.add(amount, ['a', 'b'])
  assert.match(render('prometheus'), /x_calls_total\{a="a",b="b"\} 3\n/)
})

test('a metric without labels shows zero before its first value', () => {
  assert.match(sample().render('prometheus'), /\nx_open 0\n/)
})

test('a reading is taken at every scrape', () => {
  const { metrics, render } = sample()
  let healthy = 1
  metrics.per.collect(() => [
    [['r1'], healthy],
    [['r2'], 0],
  ])
  assert.match(render('prometheus'), /x_per\{r="r1"\} 1\nx_per\{r="r2"\} 0\n/)
  healthy = 0
  assert.match(render('prometheus'), /x_per\{r="r1"\} 0\n/)
})

test('a bad row is refused', () => {
  const row = { help: '', type: 'gauge', labels: [] } as const
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a' }, b: { ...row, name: 'a' } }))
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a_total' } }))
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a', type: 'counter' } }))
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a', labels: ['le'] } }))
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a', unit: 'seconds' } }))
  assert.throws(() => defineMetrics({ a: { ...row, name: 'a', type: 'histogram' } }))
  assert.throws(() =>
    defineMetrics({ a: { ...row, name: 'a', type: 'histogram', buckets: [2, 1] } }),
  )
})

test('both halves render tables that parse, and only the ambassador says gen_ai', () => {
  for (const registry of [sidecarMetrics(), ambassadorMetrics()]) {
    for (const format of formats) {
      const parsed = parseExposition(registry.render(format), format)
      const cpu = parsed.get(
        format === 'openmetrics' ? 'process_cpu_seconds' : 'process_cpu_seconds_total',
      )
      assert((cpu?.samples[0]?.value ?? 0) > 0)
      assert((parsed.get('process_resident_memory_bytes')?.samples[0]?.value ?? 0) > 1e6)
      const started = parsed.get('process_start_time_seconds')?.samples[0]?.value ?? 0
      assert(started > 1.7e9 && started < 1e10)
    }
  }
  const names = (table: object) => Object.values(table).map(({ name }) => String(name))
  assert(!names(sidecarTable).some((name) => name.startsWith('gen_ai')))
  assert.equal(names(ambassadorTable).filter((name) => name.startsWith('gen_ai')).length, 3)
})

test('OpenMetrics is rendered only where it is asked for', () => {
  assert.equal(formatFor(undefined), 'prometheus')
  assert.equal(formatFor('text/plain'), 'prometheus')
  assert.equal(
    formatFor('application/openmetrics-text;version=1.0.0,text/plain;q=0.5'),
    'openmetrics',
  )
})
