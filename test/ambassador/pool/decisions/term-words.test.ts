import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from '#ambassador/pool/cost/cost.ts'
import { termNames, termsOf, writeTerms } from '#ambassador/pool/decisions/term-words.ts'

test('every term has a place of its own, and all of them are the cost', () => {
  const terms = termsOf((name) => 2 ** termNames.indexOf(name))
  const numbers = new Float32Array(termNames.length + 2)
  writeTerms(terms, numbers, 1)
  const expected = termNames.map((_, at) => 2 ** at)
  assert.deepEqual([...numbers], [0, ...expected, 0])
  assert.equal(costOf(terms), 2 ** termNames.length - 1)
})
