import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BalanceGate, CacheAware } from '../../../../ambassador/pool/policies/cache-aware.ts'
import { firstOfEquals } from '../../../../ambassador/pool/policies/least-of.ts'
import { policyNamed } from '../../../../ambassador/pool/policies/policy-named.ts'
import { callOf, candidatesOf, seeded, tally } from './pool-doubles.ts'

/** A policy that has sent `word` to slot 0. */
function policyAfter(word: string, gate: BalanceGate = 'fleet') {
  const policy = new CacheAware({ name: 'test', gate, blockTokens: 64, random: firstOfEquals })
  policy.choose(callOf(word), candidatesOf({}))
  return policy
}

test('more than 0.3 of a prompt draws the call to who was sent it', () => {
  const both = candidatesOf({ inFlight: 5 }, {})
  assert.equal(policyAfter('abcd').choose(callOf('abcdefghij'), both).slot, 0)
  assert.equal(policyAfter('abcd').cachedTokens, 0)
  // 3 of 10 blocks are no more than 0.3.
  assert.equal(policyAfter('abc').choose(callOf('abcdefghij'), both).slot, 1)
})

test('an unknown prompt goes to the fewest calls in flight, the first of equals', () => {
  const three = candidatesOf({ inFlight: 2 }, { inFlight: 1 }, { inFlight: 1 })
  assert.equal(policyAfter('abc').choose(callOf('xyz'), three).slot, 1)
})

test('of two that were sent a prompt the first one takes it', () => {
  const policy = policyAfter('abc')
  const [first, second] = candidatesOf({ inFlight: 1 }, {})
  assert.ok(first && second)
  policy.choose(callOf('abc'), [second])
  assert.equal(policy.choose(callOf('abc'), [first, second]).slot, 0)
  assert.equal(policy.cachedTokens, 192)
})

test('the fleet’s gate needs both over 64 calls more and over 1.5 times as many', () => {
  const choose = (inFlight: number, idlest: number) =>
    policyAfter('abc').choose(callOf('abc'), candidatesOf({ inFlight }, { inFlight: idlest })).slot
  assert.equal(choose(64, 0), 0)
  assert.equal(choose(65, 0), 1)
  assert.equal(choose(300, 200), 0)
  assert.equal(choose(301, 200), 1)
})

test('an unbalanced fleet takes the cache from every call, a matched gate only from its own', () => {
  const three = () => candidatesOf({ inFlight: 10 }, { inFlight: 100 }, { inFlight: 5 })
  assert.equal(policyAfter('abc', 'fleet').choose(callOf('abc'), three()).slot, 2)
  assert.equal(policyAfter('abc', 'matched').choose(callOf('abc'), three()).slot, 0)
})

test('the matched gate compares with the mean', () => {
  const choose = (inFlight: number) =>
    policyAfter('abc', 'matched').choose(callOf('abc'), candidatesOf({ inFlight }, {}, {})).slot
  // 97 of one in three is a mean of 32.3: 64.7 above it. 96 is 64 above 32.
  assert.equal(choose(96), 0)
  assert.equal(choose(97), 1)
})

test('who was sent the prompt and takes no calls is passed over', () => {
  const policy = policyAfter('abc')
  const others = candidatesOf({}, { inFlight: 3 }, { inFlight: 1 }).slice(1)
  assert.equal(policy.choose(callOf('abc'), others).slot, 2)
})

test('a replica that has left is forgotten', () => {
  const policy = policyAfter('abc')
  policy.forget(0)
  assert.equal(policy.choose(callOf('abc'), candidatesOf({ inFlight: 1 }, {})).slot, 1)
})

test('blocks of 16 tokens are put together to 64', () => {
  const policy = new CacheAware({
    name: 'test',
    gate: 'fleet',
    blockTokens: 16,
    random: firstOfEquals,
  })
  const [first, second] = candidatesOf({ inFlight: 1 }, {})
  assert.ok(first && second)
  policy.choose(callOf('abcd', { blockTokens: 16 }), [first])
  assert.equal(policy.choose(callOf('abcx', { blockTokens: 16 }), [first, second]).slot, 1)
  assert.equal(policy.choose(callOf('abcdx', { blockTokens: 16 }), [first, second]).slot, 0)
})

test('vllm-router takes the first of equals, smg one by chance', () => {
  const options = { random: seeded(1), blockTokens: 64 }
  const unknown = () => callOf('')
  const firsts = policyNamed('vllm-router-cache-aware', options)
  const chances = policyNamed('smg-cache-aware', options)
  const both = candidatesOf({}, {})
  assert.deepEqual(
    tally(100, () => firsts.choose(unknown(), both), 2),
    [100, 0],
  )
  const [first = 0] = tally(2_000, () => chances.choose(unknown(), both), 2)
  assert.ok(Math.abs(first - 1_000) < 120, `${first}`)
})
