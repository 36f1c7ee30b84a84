import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuOf, roundsOf } from './costs-cpu.ts'

test('rounds are told by the mean of the quietest and of the one in the middle', () => {
  const times = [4, 6, 1, 3, 9, 11, 100]
  assert.deepEqual(roundsOf(times, 3), { count: 3, least: 2, median: 5 })
})

test('what takes no time is not told to take less than none', () => {
  for (let round = 0; round < 100; round++) assert.ok(cpuOf(() => undefined) >= 0)
})
