import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Merge } from '#ambassador/pool/fairness/merge.ts'

test('sorted lists come out as one sorted list', () => {
  const lists = fc.array(fc.array(fc.integer(), { minLength: 1 }), { maxLength: 20 })
  fc.assert(
    fc.property(lists, (given) => {
      const sorted = given.map((list) => list.toSorted((one, other) => one - other))
      const walkers = sorted.map((list) => ({ list, at: 0 }))
      const headOf = ({ list, at }: { list: readonly number[]; at: number }) => list[at] ?? 0
      const merge = new Merge(walkers, (one, other) => headOf(one) < headOf(other))
      const out: number[] = []
      for (let least = merge.least; least !== undefined; least = merge.least) {
        out.push(headOf(least))
        least.at++
        if (least.at < least.list.length) merge.moved()
        else merge.drop()
      }
      assert.deepEqual(
        out,
        given.flat().toSorted((one, other) => one - other),
      )
    }),
  )
})
