import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '#deploy/simulator/clock.ts'
import { engineClock } from '#deploy/simulator/engine-clock.ts'
import { manualClock } from '../manual-clock.ts'

test('steps take what their sum says, however late each timer is', () => {
  const late = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(late, fc.double({ min: 6, max: 20, noNaN: true }), (delays, stepMs) => {
      const manual = manualClock()
      let timer = 0
      const clock: Clock = {
        nowMs: manual.now,
        unixSeconds: () => 1,
        after: (ms, action) => manual.after(ms + (delays[timer++ % delays.length] ?? 0), action),
      }
      const engine = engineClock(clock)
      let steps = 0
      let endedMs = 0
      const step = () => {
        steps += 1
        endedMs = manual.now()
        if (steps < 100) engine.after(stepMs, step)
      }
      engine.after(stepMs, step)
      manual.advance(100_000)
      assert.equal(steps, 100)
      assert.ok(endedMs >= 100 * stepMs - 1e-6 && endedMs <= 100 * stepMs + 5 + 1e-6)
    }),
  )
})

test('a process that was away for long goes on from where it is', () => {
  const manual = manualClock()
  let awayMs = 10_000
  const engine = engineClock({
    nowMs: manual.now,
    unixSeconds: () => 1,
    after(ms, action) {
      const undo = manual.after(ms + awayMs, action)
      awayMs = 0
      return undo
    },
  })
  const steps: number[] = []
  const step = () => {
    steps.push(manual.now())
    if (steps.length < 4) engine.after(100, step)
  }
  engine.after(100, step)
  manual.advance(20_000)
  // One step is made up for, not a hundred.
  assert.deepEqual(steps, [10_100, 10_100, 10_200, 10_300])
})

test('steps that take no time share a turn of the loop, 256 of them; one undone never runs', () => {
  const manual = manualClock()
  let turns = 0
  const engine = engineClock({
    nowMs: manual.now,
    unixSeconds: () => 1,
    after(ms, action) {
      turns += 1
      return manual.after(ms, action)
    },
  })
  let steps = 0
  const step = () => {
    steps += 1
    if (steps < 1_000) engine.after(0, step)
    else engine.after(0, () => assert.fail('it was undone'))()
  }
  engine.after(0, step)
  manual.advance(0)
  assert.deepEqual([steps, turns], [1_000, 4])
})
