import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '#ambassador/pool/ledger/pace.ts'

test('the pace follows the answers, each of which tells a little', () => {
  const pace = new Pace()
  for (let answer = 0; answer < 200; answer++) pace.add(101, 5_000)
  assert.ok(Math.abs(pace.stepMs - 50) < 0.1)
  pace.add(101, 1_000)
  assert.ok(Math.abs(pace.stepMs - 48) < 0.1)
})

test('an answer of a few tokens says nothing', () => {
  const pace = new Pace()
  const before = pace.stepMs
  pace.add(7, 60_000)
  pace.add(1, 60_000)
  assert.equal(pace.stepMs, before)
})
