import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leastInFlight } from '../../../../ambassador/pool/policies/least-in-flight.ts'
import { LlmDDefault } from '../../../../ambassador/pool/policies/llm-d-default.ts'
import {
  agedPriority,
  withVllmPriority,
} from '../../../../ambassador/pool/policies/vllm-priority.ts'
import { callOf, candidatesOf, seeded } from './pool-doubles.ts'

const one = candidatesOf({})
const aged = { tokenMs: 0.5, ageing: 0.05 }

test('the key is the uncached work and the time of arrival', () => {
  // (1,000 − 200) · 0.5 + 0.05 · 6,000 = 700.
  assert.equal(agedPriority({ tokens: 1_000, arrivedMs: 6_000 }, 200, aged), 700)
  // 15,928 tokens take a second by default.
  assert.equal(agedPriority({ tokens: 15_928, arrivedMs: 0 }, 0), 1_000)
})

test('what is cached is as it was when the replica was chosen', () => {
  const policy = withVllmPriority(new LlmDDefault({ random: seeded(1), blockTokens: 64 }), aged)
  const first = callOf('abcd')
  policy.choose(first, one)
  assert.equal(policy.priorityOf?.(first), 128)
  const second = callOf('abcd', { tokens: 300 })
  policy.choose(second, one)
  // 300 − 256 = 44 tokens.
  assert.equal(policy.priorityOf?.(second), 22)
  assert.equal(policy.priorityOf?.(second), 22)
})

test('a policy that knows no cache, and a call that was not the last, count whole', () => {
  const blind = withVllmPriority(leastInFlight(seeded(1)), aged)
  const call = callOf('abcd')
  blind.choose(call, one)
  blind.choose(call, one)
  assert.equal(blind.priorityOf?.(call), 128)
  const seeing = withVllmPriority(new LlmDDefault({ random: seeded(1), blockTokens: 64 }), aged)
  seeing.choose(callOf('abcd'), one)
  assert.equal(seeing.priorityOf?.(call), 128)
})

test('the choice, the name and forgetting are those of the policy within', () => {
  const policy = withVllmPriority(new LlmDDefault({ random: seeded(1), blockTokens: 64 }), aged)
  assert.equal(policy.name, 'llm-d-default+vllm-priority')
  const call = callOf('abcd')
  policy.choose(call, one)
  policy.forget?.(0)
  policy.choose(call, one)
  assert.equal(policy.priorityOf?.(call), 128)
})

test('keys order as own work less ageing by time waited does, at any time', () => {
  const calls = fc.record({
    tokens: fc.integer({ min: 1, max: 200_000 }),
    cachedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    arrivedMs: fc.integer({ min: 0, max: 10_000_000 }),
  })
  fc.assert(
    fc.property(calls, calls, fc.nat(1_000_000), (one, other, laterMs) => {
      const nowMs = Math.max(one.arrivedMs, other.arrivedMs) + laterMs
      const [oneRule = 0, otherRule = 0] = [one, other].map(
        ({ tokens, cachedShare, arrivedMs }) =>
          Math.max(1, tokens - Math.floor(cachedShare * tokens)) / 15.928 -
          0.05 * (nowMs - arrivedMs),
      )
      const [oneKey = 0, otherKey = 0] = [one, other].map((call) =>
        agedPriority(call, Math.floor(call.cachedShare * call.tokens)),
      )
      assert.ok(Number.isSafeInteger(oneKey))
      // A key is rounded to a millisecond: what is nearer than that may be level, never reversed.
      const difference = oneRule - otherRule
      if (Math.abs(difference) > 1e-6) assert.ok(Math.sign(oneKey - otherKey) * difference >= 0)
      if (Math.abs(difference) > 1.001) assert.notEqual(oneKey, otherKey)
    }),
  )
})
