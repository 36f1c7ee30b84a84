import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leastInFlight } from '../../../../ambassador/pool/policies/least-in-flight.ts'
import { powerOfTwo } from '../../../../ambassador/pool/policies/power-of-two.ts'
import { roundRobin } from '../../../../ambassador/pool/policies/round-robin.ts'
import { callOf, candidatesOf, seeded, tally } from './pool-doubles.ts'

const call = callOf('')

test('round robin takes one after the other and begins again', () => {
  const policy = roundRobin()
  const three = candidatesOf({}, {}, {})
  const slots = [1, 2, 3, 4].map(() => policy.choose(call, three).slot)
  assert.deepEqual(slots, [0, 1, 2, 0])
})

test('round robin goes on where a replica has left', () => {
  const policy = roundRobin()
  const three = candidatesOf({}, {}, {})
  policy.choose(call, three)
  policy.choose(call, three)
  assert.equal(policy.choose(call, three.slice(0, 2)).slot, 0)
  assert.equal(policy.choose(call, three.slice(0, 1)).slot, 0)
})

test('least in flight takes the replica with the fewest calls', () => {
  const policy = leastInFlight(seeded(1))
  const three = candidatesOf({ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 })
  assert.equal(policy.choose(call, three).slot, 1)
})

test('least in flight takes each of equals equally often', () => {
  const policy = leastInFlight(seeded(2))
  const four = candidatesOf({ inFlight: 1 }, { inFlight: 2 }, { inFlight: 1 }, { inFlight: 1 })
  const counts = tally(3_000, () => policy.choose(call, four), 4)
  assert.equal(counts[1], 0)
  for (const slot of [0, 2, 3])
    assert.ok(Math.abs((counts[slot] ?? 0) - 1_000) < 100, counts.join(' '))
})

test('power of two never takes the busiest of three', () => {
  const policy = powerOfTwo(seeded(3))
  const three = candidatesOf({ inFlight: 0 }, { inFlight: 1 }, { inFlight: 2 })
  const [idle = 0, middle = 0, busy = 0] = tally(3_000, () => policy.choose(call, three), 3)
  // The idle one is in two of three pairs, the middle one is the lighter of the third.
  assert.ok(Math.abs(idle - 2_000) < 150, `${idle}`)
  assert.ok(Math.abs(middle - 1_000) < 150, `${middle}`)
  assert.equal(busy, 0)
})

test('power of two draws every pair of equals equally often', () => {
  const policy = powerOfTwo(seeded(4))
  const counts = tally(4_000, () => policy.choose(call, candidatesOf({}, {}, {}, {})), 4)
  for (const count of counts) assert.ok(Math.abs(count - 1_000) < 120, counts.join(' '))
})

test('power of two takes the only replica there is', () => {
  assert.equal(powerOfTwo(() => 0.999).choose(call, candidatesOf({ inFlight: 9 })).slot, 0)
})
