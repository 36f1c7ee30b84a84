import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WaitingLine } from '#ambassador/pool/dispatch/waiting-line.ts'

test('the smaller key goes first, and of equal ones who came first', () => {
  const line = new WaitingLine<{ key: number; name: string }>()
  for (const [key, name] of [
    [2, 'b'],
    [1, 'a'],
    [2, 'c'],
    [0, 'z'],
  ] as const) {
    line.add({ key, name })
  }
  assert.deepEqual(
    [...line].map(({ name }) => name),
    ['z', 'a', 'b', 'c'],
  )
})

test('adding and removing in any order leaves what a sorted list would hold', () => {
  const acts = fc.array(fc.record({ key: fc.nat(5), remove: fc.boolean(), pick: fc.nat(50) }))
  fc.assert(
    fc.property(acts, (plan) => {
      const line = new WaitingLine<{ key: number; at: number }>()
      let model: { key: number; at: number }[] = []
      for (const [at, { key, remove, pick }] of plan.entries()) {
        const victim = model[pick % Math.max(1, model.length)]
        if (remove && victim !== undefined) {
          assert.equal(line.remove(victim), true)
          assert.equal(line.remove(victim), false)
          model = model.filter((item) => item !== victim)
        } else {
          const item = { key, at }
          line.add(item)
          model.push(item)
        }
        const sorted = model.toSorted((one, other) => one.key - other.key || one.at - other.at)
        assert.deepEqual([...line], sorted)
        assert.equal(line.length, sorted.length)
      }
    }),
  )
})
