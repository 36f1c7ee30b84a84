import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Outliers, outlierDefaults } from '../../../ambassador/breaker/outliers.ts'
import { manualClock } from '../../manual-clock.ts'

function setUp(names: string[], changed = {}) {
  const clock = manualClock()
  const outliers = new Outliers(clock, { ...outlierDefaults, ...changed })
  outliers.retain(names)
  const many = (name: string, verdict: 'success' | 'failure', times: number) => {
    for (let count = 0; count < times; count++) outliers.record(name, verdict)
  }
  return { clock, outliers, many }
}

test('one that fails in a row while another works is out, for half a minute', () => {
  const { clock, outliers, many } = setUp(['a', 'b'])
  many('a', 'failure', 2)
  many('b', 'success', 3)
  many('a', 'failure', 2)
  assert.equal(outliers.isEjected('a'), false)
  many('a', 'failure', 1)
  assert.equal(outliers.untilBackMs('a'), 30_000)
  clock.advance(30_000)
  assert.equal(outliers.isEjected('a'), false)
})

test('what all of them do puts nobody out', () => {
  const { clock, outliers, many } = setUp(['a', 'b', 'c'])
  for (const name of ['a', 'b', 'c']) many(name, 'failure', 100)
  clock.advance(10_000)
  for (const name of ['a', 'b', 'c']) assert.equal(outliers.isEjected(name), false)
})

test('an outage of all puts nobody out, however well they did before and others end', () => {
  const { outliers, many } = setUp(['a', 'b'])
  many('a', 'success', 500)
  many('b', 'success', 500)
  many('a', 'failure', 1)
  // Its answer was under way when the outage began.
  many('b', 'success', 1)
  for (let pair = 0; pair < 50; pair++) {
    many('a', 'failure', 1)
    many('b', 'failure', 1)
  }
  assert.deepEqual([outliers.isEjected('a'), outliers.isEjected('b')], [false, false])
})

test('one that fails half its calls is out though never in a row', () => {
  const { clock, outliers, many } = setUp(['a', 'b'])
  for (let pair = 0; pair < 20; pair++) {
    many('a', 'failure', 1)
    many('a', 'success', 1)
    many('b', 'success', 2)
  }
  assert.equal(outliers.isEjected('a'), false)
  clock.advance(10_000)
  assert.equal(outliers.isEjected('a'), true)
  assert.equal(outliers.isEjected('b'), false)
})

test('a few calls decide nothing', () => {
  const { clock, outliers, many } = setUp(['a', 'b'])
  many('a', 'failure', 4)
  many('b', 'success', 100)
  clock.advance(10_000)
  assert.equal(outliers.isEjected('a'), false)
})

test('the time out grows with each time, up to five minutes, and shrinks in calm', () => {
  const { clock, outliers, many } = setUp(['a', 'b'])
  const out = () => {
    many('a', 'failure', 1)
    many('b', 'success', 3)
    many('a', 'failure', 4)
    const ms = outliers.untilBackMs('a')
    clock.advance(ms)
    return ms
  }
  const times = Array.from({ length: 3 }, out)
  assert.deepEqual(times, [30_000, 60_000, 90_000])
  for (let more = 0; more < 20; more++) out()
  assert.equal(out(), 300_000)
  clock.advance(1_000_000)
  assert.equal(out(), 30_000)
})

test('never is the last one out, nor more than the share', () => {
  const steps = fc.array(
    fc.record({
      member: fc.integer({ min: 0, max: 7 }),
      verdict: fc.constantFrom('success', 'failure' as const),
      times: fc.integer({ min: 1, max: 30 }),
      afterMs: fc.constantFrom(0, 0, 1_000, 10_000, 40_000),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), steps, (size, taken) => {
      const names = Array.from({ length: size }, (_, at) => `m${at}`)
      const { clock, outliers, many } = setUp(names)
      for (const { member, verdict, times, afterMs } of taken) {
        many(names[member % size] ?? '', verdict, times)
        clock.advance(afterMs)
        const out = names.filter((name) => outliers.isEjected(name)).length
        assert.ok(out < size && out <= Math.max(1, Math.floor(size / 2)))
      }
    }),
  )
})

test('one who left the configuration is forgotten, strangers are not counted', () => {
  const { outliers, many } = setUp(['a', 'b'])
  many('stranger', 'failure', 100)
  assert.equal(outliers.isEjected('stranger'), false)
  outliers.record('b', 'success')
  many('a', 'failure', 5)
  outliers.retain(['b'])
  assert.equal(outliers.isEjected('a'), false)
})
