import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LlmDOptimizedBaseline } from '../../../../ambassador/pool/policies/llm-d-optimized-baseline.ts'
import { callOf, candidatesOf, seeded, tally } from './pool-doubles.ts'

/** A policy that has sent `word` to slot 0. */
function policyAfter(word: string) {
  const policy = new LlmDOptimizedBaseline({ random: seeded(1), blockTokens: 64 })
  policy.choose(callOf(word), candidatesOf({}))
  return policy
}

test('a replica that was sent 80 % of the prompt is the only one considered', () => {
  const both = candidatesOf({ queuedTokens: 200_000 }, {})
  assert.equal(policyAfter('abcd').choose(callOf('abcde'), both).slot, 0)
  // 3 of 4 blocks are 75 %: the load decides.
  assert.equal(policyAfter('abc').choose(callOf('abcd'), both).slot, 1)
})

test('the preference ends above 286,720 prefill tokens more than elsewhere', () => {
  const at = (more: number) => candidatesOf({ queuedTokens: 5_000 + more }, { queuedTokens: 5_000 })
  assert.equal(policyAfter('abcd').choose(callOf('abcd'), at(286_720)).slot, 0)
  assert.equal(policyAfter('abcd').choose(callOf('abcd'), at(286_721)).slot, 1)
})

test('the least loaded of those preferred takes the call', () => {
  const policy = policyAfter('abcd')
  const [first, second, idle] = candidatesOf({ queuedTokens: 300 }, { queuedTokens: 200 }, {})
  assert.ok(first && second && idle)
  policy.choose(callOf('abcd'), [second])
  assert.equal(policy.choose(callOf('abcd'), [first, second, idle]).slot, 1)
})

test('the uncached tokens of the call itself are part of the load', () => {
  // Half of 4 blocks is known at slot 0: 128 uncached tokens against 256, so 128 more are even.
  for (const [queuedTokens, slot] of [
    [127, 0],
    [129, 1],
  ] as const) {
    const policy = policyAfter('ab')
    assert.equal(policy.choose(callOf('abcd'), candidatesOf({ queuedTokens }, {})).slot, slot)
  }
})

test('only the first 40,960 tokens are compared', () => {
  const word = 'abcdefghij'.repeat(64)
  const policy = policyAfter(word)
  // 640 blocks are 40,960 tokens: what follows is not looked at, and all of them are known.
  assert.equal(
    policy.choose(callOf(`${word}${'x'.repeat(640)}`), candidatesOf({ queuedTokens: 100_000 }, {}))
      .slot,
    0,
  )
  assert.equal(policy.cachedTokens, 40_960)
})

test('equals are taken by chance, and beyond 4,194,304 tokens all are equal', () => {
  const policy = new LlmDOptimizedBaseline({ random: seeded(2), blockTokens: 64 })
  const both = candidatesOf({ queuedTokens: 5_000_000 }, { queuedTokens: 6_000_000 })
  const counts = tally(2_000, () => policy.choose(callOf('', { tokens: 10 }), both), 2)
  for (const count of counts) assert.ok(Math.abs(count - 1_000) < 120, counts.join(' '))
})

test('a replica that has left is preferred no more', () => {
  const policy = policyAfter('abcd')
  policy.forget(0)
  const both = candidatesOf({ queuedTokens: 10 }, {})
  assert.equal(policy.choose(callOf('abcd'), both).slot, 1)
})
