import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Alarm } from '#deploy/controller/alarm.ts'
import { manualClock } from '../manual-clock.ts'

test('an alarm that is set again and again goes off when it was due first', () => {
  const clock = manualClock()
  let times = 0
  const alarm = new Alarm(clock, () => times++)
  for (let step = 0; step < 4; step++) {
    alarm.set(100)
    clock.advance(30)
  }
  assert.equal(times, 1)
})

test('an earlier time wins over a later one, whichever is set first', () => {
  for (const order of [
    [5_000, 100],
    [100, 5_000],
  ]) {
    const clock = manualClock()
    let times = 0
    const alarm = new Alarm(clock, () => times++)
    for (const afterMs of order) alarm.set(afterMs)
    clock.advance(100)
    assert.equal(times, 1)
    clock.advance(60_000)
    assert.equal(times, 1)
  }
})

test('a cleared alarm stays silent until it is set again', () => {
  const clock = manualClock()
  let times = 0
  const alarm = new Alarm(clock, () => times++)
  alarm.set(100)
  alarm.clear()
  clock.advance(1_000)
  assert.equal(times, 0)
  alarm.set(200)
  clock.advance(200)
  assert.equal(times, 1)
})
