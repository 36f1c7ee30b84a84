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

const numbered = (numbers: readonly number[]) => numbers.map((number) => ({ name: `n${number}` }))

test('an element that moves is one removal and one addition, wherever it goes', () => {
  const list = Array.from({ length: 40 }, (_, at) => at)
  for (const [from, to] of [
    [0, 39],
    [39, 0],
    [10, 20],
    [20, 10],
  ] as const) {
    const moved = numbered(list.toSpliced(from, 1).toSpliced(to, 0, from))
    assert.deepEqual(
      patchBetween(numbered(list), moved).map(({ op, path }) => `${op} ${path}`),
      [`remove /${from}`, `add /${to}`],
    )
  }
})

test('a long list that changes throughout is replaced whole', () => {
  const list = Array.from({ length: 50_000 }, (_, at) => at)
  const reversed = numbered(list.toReversed())
  assert.deepEqual(patchBetween(numbered(list), reversed), [
    { op: 'replace', path: '', value: reversed },
  ])
  assert.deepEqual(patchBetween(numbered(list), []), [{ op: 'replace', path: '', value: [] }])
})

test('a patch between long lists in any order, replaced whole or not, makes the one of the other', () => {
  const numbers = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 40 })
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const [from, to] = [numbered(before), numbered(after)]
      const patch = patchBetween(from, to)
      assert.ok(patch.length <= Math.max(16, to.length))
      assert.deepEqual(applyPatch(from, patch), to)
    }),
  )
})

test('names with slashes and tildes are escaped', () => {
  const patch = patchBetween({}, { 'a/b~c': 1 })
  assert.deepEqual(patch, [{ op: 'add', path: '/a~1b~0c', value: 1 }])
})
