import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reverts } from '#deploy/controller/reverts.ts'

test('what is reverted at once is written after 1, 2, 4 … 60 s', () => {
  const reverts = new Reverts()
  const waits: number[] = []
  let nowMs = 0
  for (let round = 0; round < 9; round++) {
    reverts.wrote('a', 'one', nowMs)
    const restMs = reverts.restMs('a', 'one', nowMs)
    waits.push(restMs / 1_000)
    nowMs += restMs
    assert.equal(reverts.restMs('a', 'one', nowMs), 0)
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test('another content, another namespace and a calm one wait for nothing', () => {
  const reverts = new Reverts()
  for (let round = 0; round < 5; round++) reverts.wrote('a', 'one', 0)
  assert.equal(reverts.restMs('a', 'two', 0), 0)
  assert.equal(reverts.restMs('b', 'one', 0), 0)
  reverts.wrote('a', 'one', 120_000)
  assert.equal(reverts.restMs('a', 'one', 120_000), 1_000)
  reverts.sweep(240_000)
  assert.equal(reverts.restMs('a', 'one', 240_000), 0)
})
