import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { longestRising } from '#deploy/inject/longest-rising.ts'

/** The length of a longest rising subsequence, by trying every end: square of the length. */
function lengthOf(numbers: readonly number[]): number {
  const lengths: number[] = []
  for (const [at, number] of numbers.entries()) {
    const below = lengths.filter((_, earlier) => (numbers[earlier] ?? 0) < number)
    lengths[at] = 1 + Math.max(0, ...below)
  }
  return Math.max(0, ...lengths)
}

test('the numbers rise in their order, and no more of them do', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 12 }), (numbers) => {
      const longest = longestRising(numbers)
      const inOrder = numbers.filter((number) => longest.has(number))
      assert.deepEqual(
        inOrder,
        inOrder.toSorted((a, b) => a - b),
      )
      assert.equal(inOrder.length, longest.size)
      assert.equal(longest.size, lengthOf(numbers))
    }),
  )
})
