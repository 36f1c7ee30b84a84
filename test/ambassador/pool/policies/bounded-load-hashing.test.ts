import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedLoadHashing } from '../../../../ambassador/pool/policies/bounded-load-hashing.ts'
import { callOf, candidatesOf, seeded } from './pool-doubles.ts'

function prompts(count: number) {
  const random = seeded(7)
  return Array.from({ length: count }, (_, at) => {
    const chain = {
      length: 1,
      low: new Uint32Array([random() * 2 ** 32]),
      high: new Uint32Array(1),
    }
    return callOf(`${at}`, { chain })
  })
}

test('prompts that begin alike go to one replica, others to all', () => {
  const policy = new BoundedLoadHashing(64)
  const eight = candidatesOf({}, {}, {}, {}, {}, {}, {}, {})
  assert.equal(policy.choose(callOf('abc'), eight).slot, policy.choose(callOf('axy'), eight).slot)
  const slots = prompts(800).map((call) => policy.choose(call, eight).slot)
  for (const { slot } of eight) {
    const share = slots.filter((chosen) => chosen === slot).length
    assert.ok(share > 60 && share < 140, `${share}`)
  }
})

test('the beginning is 25 tokens: two blocks of 16, one of 64', () => {
  const eight = candidatesOf({}, {}, {}, {}, {}, {}, {}, {})
  const slotsOf = (blockTokens: number, words: readonly string[]) => {
    const policy = new BoundedLoadHashing(blockTokens)
    return new Set(words.map((word) => policy.choose(callOf(word), eight).slot)).size
  }
  const words = ['ab', 'ac', 'ad', 'ae', 'af', 'ag', 'ah', 'ai']
  assert.equal(slotsOf(64, words), 1)
  assert.ok(slotsOf(16, words) > 1)
  assert.equal(
    slotsOf(
      16,
      words.map((word) => `ab${word}`),
    ),
    1,
  )
})

test('a replica takes no more than 1.25 times the mean, this call included', () => {
  const policy = new BoundedLoadHashing(64)
  const four = candidatesOf({}, {}, {}, {})
  const home = policy.choose(callOf('abc'), four).slot
  // 15 in flight and this one make a mean of 4: up to 5 each.
  const at = (inFlight: number) =>
    four.map((candidate) => ({
      ...candidate,
      inFlight: candidate.slot === home ? inFlight : (15 - inFlight) / 3,
    }))
  assert.equal(policy.choose(callOf('abc'), at(4)).slot, home)
  assert.notEqual(policy.choose(callOf('abc'), at(5)).slot, home)
})

test('where all are above the bound the first on the ring takes the call', () => {
  const policy = new BoundedLoadHashing(64)
  const four = candidatesOf({}, {}, {}, {})
  const home = policy.choose(callOf('abc'), four).slot
  // Each has one, the mean with this call is 1.25: a second call would be above 1.56 everywhere.
  const busy = candidatesOf({ inFlight: 1 }, { inFlight: 1 }, { inFlight: 1 }, { inFlight: 1 })
  assert.equal(policy.choose(callOf('abc'), busy).slot, home)
})

test('only the prompts of a replica that leaves move, and they come back with it', () => {
  const policy = new BoundedLoadHashing(64)
  const four = candidatesOf({}, {}, {}, {})
  const calls = prompts(200)
  const before = calls.map((call) => policy.choose(call, four).slot)
  policy.forget(2)
  const without = four.filter(({ slot }) => slot !== 2)
  const during = calls.map((call) => policy.choose(call, without).slot)
  for (const [at, slot] of before.entries()) {
    if (slot === 2) assert.notEqual(during[at], 2)
    else assert.equal(during[at], slot)
  }
  assert.deepEqual(
    calls.map((call) => policy.choose(call, four).slot),
    before,
  )
})

test('a slot that another replica has taken over stands elsewhere on the ring', () => {
  const policy = new BoundedLoadHashing(64)
  const four = candidatesOf({}, {}, {}, {})
  const calls = prompts(100)
  const before = calls.map((call) => policy.choose(call, four).slot)
  const other = four.map((one) => (one.slot === 1 ? { ...one, origin: 'http://new:8000' } : one))
  assert.notDeepEqual(
    calls.map((call) => policy.choose(call, other).slot),
    before,
  )
})

test('a prompt without a full block goes by its session', () => {
  const policy = new BoundedLoadHashing(64)
  const eight = candidatesOf({}, {}, {}, {}, {}, {}, {}, {})
  const slots = (session: string) =>
    new Set(
      Array.from('abcdefgh', (id) => policy.choose({ ...callOf('', { session }), id }, eight).slot),
    )
  assert.equal(slots('agent-7').size, 1)
  assert.ok(slots('').size > 1)
})

test('for any loads somebody is chosen who is within the bound, or nobody is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(30), { minLength: 1, maxLength: 12 }),
      fc.string(),
      (loads, word) => {
        const candidates = candidatesOf(...loads.map((inFlight) => ({ inFlight })))
        const { inFlight } = new BoundedLoadHashing(64).choose(callOf(word), candidates)
        const sum = loads.reduce((total, load) => total + load, 0)
        const bound = ((sum + 1) / loads.length) * 1.25
        const isPossible = sum === 0 || loads.some((load) => load + 1 <= bound)
        if (isPossible && sum > 0) assert.ok(inFlight + 1 <= bound)
      },
    ),
  )
})
