import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StepPace } from '#ambassador/pool/admission/step-pace.ts'

/** Measures a replica that takes `tokenMs(calls)` for a token of each of so many calls. */
function measured(counts: readonly number[], tokenMs: (calls: number) => number): StepPace {
  const pace = new StepPace()
  let nowMs = 0
  for (const calls of counts) {
    pace.observe(nowMs, calls, 0)
    nowMs += 1_000
    pace.observe(nowMs, calls, Math.round((calls * 1_000) / tokenMs(calls)))
  }
  return pace
}

const counts = Array.from({ length: 200 }, (_, at) => 5 + (at % 30))

test('the time per token is learned by how many calls generate', () => {
  const pace = measured(counts, (calls) => 20 + 2 * calls)
  assert.ok(Math.abs(pace.tokenMs(10) - 40) < 3)
  assert.ok(Math.abs(pace.tokenMs(30) - 80) < 5)
})

test('as many calls may generate as get their tokens in time, and one always may', () => {
  const pace = measured(counts, (calls) => 20 + 2 * calls)
  assert.ok(Math.abs(pace.callsWithin(60) - 20) <= 2)
  assert.equal(pace.callsWithin(1), 1)
})

test('a replica of one pace says nothing of more calls, and takes them while it is fast enough', () => {
  const pace = measured(
    Array.from({ length: 400 }, () => 8),
    () => 25,
  )
  assert.ok(Math.abs(pace.tokenMs(8) - 25) < 2)
  assert.equal(pace.callsWithin(50), Number.POSITIVE_INFINITY)
  assert.equal(pace.callsWithin(10), 1)
})
