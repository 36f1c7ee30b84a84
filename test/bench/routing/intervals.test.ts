import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meanEstimate, ratioEstimate } from './intervals.ts'

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-3, `${actual} is about ${expected}`)
}

test('a mean has the interval of Student, by hand for 1, 2, 3', () => {
  const { value, low, high } = meanEstimate([1, 2, 3])
  // s = 1, n = 3, t = 4.303: 4.303 / √3.
  assert.equal(value, 2)
  close(low, 2 - 2.4843)
  close(high, 2 + 2.4843)
})

test('equal values have an interval of no width', () => {
  assert.deepEqual(meanEstimate([4, 4]), { value: 4, low: 4, high: 4 })
})

test('a single value may be off by anything', () => {
  assert.deepEqual(meanEstimate([4]), { value: 4, low: -Infinity, high: Infinity })
})

test('a ratio is the geometric mean of pairs: what is common to a pair falls out', () => {
  const { value, low, high } = ratioEstimate([2, 20, 200], [1, 10, 100])
  close(value, 2)
  close(low, 2)
  close(high, 2)
})

test('a ratio turned over is the inverse, interval and all', () => {
  const one = ratioEstimate([2, 3, 5], [1, 2, 2])
  const other = ratioEstimate([1, 2, 2], [2, 3, 5])
  close(one.value, 1 / other.value)
  close(one.low, 1 / other.high)
})

test('pairs of which one is missing or 0 are left out', () => {
  close(ratioEstimate([2, 7, 2], [1, 0, 1]).value, 2)
  close(ratioEstimate([2, 2, 9], [1, 1]).value, 2)
  assert.equal(ratioEstimate([], []).value, Number.NaN)
})
