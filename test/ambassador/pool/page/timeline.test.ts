import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Timeline } from '#ambassador/pool/page/timeline.ts'
import { manualClock } from '../../../manual-clock.ts'

test('a second has the mean and the largest of what it saw, the present one last', () => {
  const clock = manualClock()
  const timeline = new Timeline(clock)
  timeline.placed(10)
  timeline.placed(40)
  clock.advance(1_000)
  timeline.began(500, 120)
  const { heldMs, heldMsMax, placed, ttftMs } = timeline.view()
  assert.deepEqual([heldMs.length, heldMs.at(-2), heldMsMax.at(-2)], [300, 25, 40])
  assert.deepEqual([placed.at(-2), placed.at(-1)], [2, 0])
  assert.deepEqual([heldMs.at(-1), ttftMs.at(-2), ttftMs.at(-1)], [null, 120, null])
})

test('failures are told by their code', () => {
  const clock = manualClock()
  const timeline = new Timeline(clock)
  timeline.failed('overloaded')
  timeline.failed('internal')
  clock.advance(2_000)
  timeline.failed('internal')
  timeline.resumed()
  const { failed, failedBy, resumed } = timeline.view()
  assert.deepEqual([failed.at(-3), failed.at(-1), resumed.at(-1)], [2, 1, 1])
  assert.deepEqual(failedBy, [
    { code: 'internal', calls: 2 },
    { code: 'overloaded', calls: 1 },
  ])
})

test('what is told of a second that is forgotten changes nothing', () => {
  const clock = manualClock()
  const timeline = new Timeline(clock)
  clock.advance(400_000)
  timeline.placed(7)
  timeline.began(100_000, 5)
  const { ttftMs, heldMs } = timeline.view()
  assert.ok(ttftMs.every((value) => value === null))
  assert.equal(heldMs.at(-1), 7)
})

test('each call of the last five minutes is counted once, and none from before', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(90_000), { maxLength: 40 }), (pauses) => {
      const clock = manualClock()
      const timeline = new Timeline(clock)
      const at = pauses.map((pause) => {
        clock.advance(pause)
        timeline.placed(1)
        return Math.floor(clock.now() / 1_000)
      })
      const last = Math.floor(clock.now() / 1_000)
      const kept = at.filter((second) => second > last - 300).length
      const counted = timeline.view().placed.reduce((sum, count) => sum + count, 0)
      assert.equal(counted, kept)
    }),
  )
})
