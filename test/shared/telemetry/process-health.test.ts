import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { defineMetrics } from '#shared/telemetry/metrics.ts'
import { activeResources, anonymousBytes, processHealth } from '#shared/telemetry/process-health.ts'
import { collectProcess, processStatus, processTable } from '#shared/telemetry/process-metrics.ts'

test('memory that belongs to no file is part of the resident memory', {
  skip: process.platform !== 'linux',
}, () => {
  const bytes = anonymousBytes() ?? 0
  assert.ok(bytes > 2 ** 20 && bytes <= process.memoryUsage.rss() * 1.5)
})

test('a long turn of the event loop shows, and idleness does not', async () => {
  processHealth.start()
  await setImmediate()
  const until = performance.now() + 40
  while (performance.now() < until);
  await setImmediate()
  await setImmediate()
  const { p50, p99, max } = processHealth.loopDelay()
  assert.ok(max >= 39 && p99 <= max && p50 <= p99)
})

test('collections of garbage are counted by kind', async () => {
  processHealth.start()
  let kept: unknown[] = []
  while ((processHealth.collections().get('minor')?.runs ?? 0) === 0) {
    for (let at = 0; at < 10_000; at++) kept.push({ at, text: `${at}` })
    kept = kept.slice(-100)
    await setImmediate()
  }
  assert.ok((processHealth.collections().get('minor')?.seconds ?? 0) > 0)
})

test('what the loop waits for is counted by kind', () => {
  const timer = setTimeout(() => {}, 60_000)
  assert.ok((activeResources().get('Timeout') ?? 0) >= 1)
  clearTimeout(timer)
})

test('the process shows in its metrics and on its status page', () => {
  const { metrics, render } = defineMetrics(processTable)
  collectProcess(metrics)
  const text = render('prometheus')
  for (const name of [
    'nodejs_eventloop_turn_seconds{quantile="max"}',
    'process_anonymous_memory_bytes ',
  ]) {
    assert.ok(text.includes(`\n${name}`), name)
  }
  assert.match(text, /^outrigger_build_info\{version="[\d.]+",node="v[\d.]+"\} 1$/m)
  assert.equal(processStatus().node, process.version)
})
