import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { patchBetween } from '#deploy/inject/patch.ts'
import { applyPatch } from './json-patch.ts'

const named = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    value: fc.jsonValue({ maxDepth: 1 }),
  }),
  { selector: ({ name }) => name },
)

function parsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

test('a patch between any two values makes the one of the other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const [from, to] = [parsed(before), parsed(after)]
      assert.deepEqual(applyPatch(from, patchBetween(from, to)), to)
      assert.deepEqual(patchBetween(to, structuredClone(to)), [])
    }),
  )
})

test('a patch between lists of named objects moves, adds, removes and changes them', () => {
  fc.assert(
    fc.property(named, named, (before, after) => {
      const [from, to] = [parsed({ list: before }), parsed({ list: after })]
      assert.deepEqual(applyPatch(from, patchBetween(from, to)), to)
    }),
    { numRuns: 300 },
  )
})

test('names with slashes and tildes are escaped', () => {
  const patch = patchBetween({}, { 'a/b~c': 1 })
  assert.deepEqual(patch, [{ op: 'add', path: '/a~1b~0c', value: 1 }])
})
