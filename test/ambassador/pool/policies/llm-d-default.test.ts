import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LlmDDefault } from '../../../../ambassador/pool/policies/llm-d-default.ts'
import { unknownGauges } from '../../../../ambassador/pool/signals/gauges.ts'
import { callOf, candidatesOf, seeded, tally } from './pool-doubles.ts'

function policyOf(blockTokens = 64) {
  return new LlmDDefault({ random: seeded(1), blockTokens })
}

test('the queue is worth 2 from the shortest to the longest', () => {
  // 2·(1 − 0) + 2·(1 − 0.9) = 2.2 against 2·0.5 + 2·(1 − 0.3) = 2.4 against 2·0 + 2·1 = 2.
  const three = candidatesOf(
    { waiting: 0, kvUsage: 0.9 },
    { waiting: 2, kvUsage: 0.3 },
    { waiting: 4, kvUsage: 0 },
  )
  assert.equal(policyOf().choose(callOf('a'), three).slot, 1)
  // With 0.2 less of usage the first has 2.6.
  const first = candidatesOf(
    { waiting: 0, kvUsage: 0.7 },
    { waiting: 2, kvUsage: 0.3 },
    { waiting: 4, kvUsage: 0 },
  )
  assert.equal(policyOf().choose(callOf('a'), first).slot, 0)
})

test('the matched part of a prompt is worth 3', () => {
  // Half of the prompt is known to slot 0: 1.5. The other has it by KV usage: 2·(0.76 − 0) = 1.52.
  for (const [kvUsage, slot] of [
    [0.76, 1],
    [0.74, 0],
  ] as const) {
    const policy = policyOf()
    const both = candidatesOf({}, {})
    policy.choose(callOf('ab'), both.slice(0, 1))
    assert.equal(policy.choose(callOf('abcd'), candidatesOf({ kvUsage }, {})).slot, slot)
  }
})

test('what is said of the cached tokens is of the time before the call', () => {
  const policy = policyOf()
  const one = candidatesOf({})
  policy.choose(callOf('abc'), one)
  assert.equal(policy.cachedTokens, 0)
  policy.choose(callOf('abc'), one)
  assert.equal(policy.cachedTokens, 192)
  policy.choose(callOf('abx'), one)
  assert.equal(policy.cachedTokens, 128)
})

test('equal queues are worth as much as none', () => {
  const policy = policyOf()
  const both = candidatesOf({ waiting: 7, kvUsage: 0.2 }, { waiting: 7, kvUsage: 0.1 })
  assert.equal(policy.choose(callOf('a'), both).slot, 1)
})

test('a replica that never answered has no score of queue and KV cache', () => {
  const both = candidatesOf({ ...unknownGauges }, { waiting: 50, kvUsage: 1 }, { waiting: 49 })
  assert.equal(policyOf().choose(callOf('a'), both).slot, 2)
  // Among those that have answered it is alone, so its queue counts as the shortest: 2 against 0.
  assert.equal(policyOf().choose(callOf('a'), both.slice(0, 2)).slot, 1)
})

test('equals are taken by chance', () => {
  const policy = policyOf()
  const counts = tally(2_000, () => policy.choose(callOf(''), candidatesOf({}, {})), 2)
  for (const count of counts) assert.ok(Math.abs(count - 1_000) < 120, counts.join(' '))
})

test('a replica that has left is forgotten', () => {
  const policy = policyOf()
  const one = candidatesOf({})
  policy.choose(callOf('abc'), one)
  policy.forget(0)
  policy.choose(callOf('abc'), one)
  assert.equal(policy.cachedTokens, 0)
})
