import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AnswerTimes } from '../../../ambassador/admission/answer-times.ts'
import { chance } from '../quota/virtual-clock.ts'

test('of answers that take anything up to a second one in ten is quicker than what is learned', () => {
  fc.assert(
    fc.property(fc.nat(1_000), (seed) => {
      const random = chance(seed)
      const times = new AnswerTimes()
      for (let answer = 0; answer < 500; answer++) times.learn('m', true, 100 + 1_000 * random())
      const quickMs = times.quickMs('m', true)
      assert.ok(quickMs >= 100 && quickMs <= 350, String(quickMs))
    }),
  )
})

test('streams and whole answers are learned apart, and nothing known is 50 ms', () => {
  const times = new AnswerTimes()
  for (let answer = 0; answer < 50; answer++) times.learn('m', false, 8_000)
  assert.ok(times.quickMs('m', false) > 5_000)
  assert.equal(times.quickMs('m', true), 50)
  times.learn('m', true, 1)
  assert.equal(times.quickMs('m', true), 50)
})

test('the model not heard of for longest is forgotten', () => {
  const times = new AnswerTimes()
  for (let model = 0; model < 300; model++) times.learn(`m${model}`, true, 1_000)
  assert.equal(times.quickMs('m0', true), 50)
  assert.ok(times.quickMs('m299', true) > 900)
})
