import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineRates } from '#ambassador/pool/admission/line-rates.ts'
import type { Work } from '#ambassador/pool/dispatch/work.ts'

const work = (blocks: number, plainMs: number): Work => ({ blocks, plainMs })

/** A pool that has begun one call each 100 ms for two minutes. */
function steady(each: Work): LineRates {
  const rates = new LineRates()
  for (let atMs = 0; atMs <= 120_000; atMs += 100) rates.began(each, atMs)
  return rates
}

test('what stands before a call takes as long as the pool takes to begin as much', () => {
  const rates = steady(work(10, 50))
  const drainMs = rates.drainMs(work(1_000, 100), work(10, 50), 120_000)
  assert.ok(Math.abs(drainMs - 10_000) < 300, String(drainMs))
})

test('blocks or prefill: whichever takes longer', () => {
  const rates = steady(work(10, 50))
  const drainMs = rates.drainMs(work(10, 20_000), work(10, 50), 120_000)
  assert.ok(Math.abs(drainMs - 40_000) < 1_000, String(drainMs))
})

test('calls that take less and come later go before: a large one waits longer behind the same line', () => {
  const rates = steady(work(10, 50))
  for (let atMs = 60_000; atMs <= 120_000; atMs += 200) rates.came(work(10, 50), atMs)
  const ahead = work(1_000, 100)
  const small = rates.drainMs(ahead, work(1, 4), 120_000)
  const large = rates.drainMs(ahead, work(100, 4_000), 120_000)
  assert.ok(large > 1.6 * small, `${large} against ${small}`)
})

test('with nothing before it a call waits for nothing', () => {
  assert.equal(new LineRates().drainMs(work(0, 0), work(5, 5), 1_000), 0)
})
