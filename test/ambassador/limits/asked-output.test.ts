import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedOutput, outputKeys } from '#ambassador/limits/asked-output.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'

function asked(question: object, dialect: Dialect = 'chat'): number {
  const body = Buffer.from(JSON.stringify(question))
  return askedOutput({ dialect, body, values: scanTopLevel(body, outputKeys).values }, 1_024)
}

test('a question without a maximum reserves what the tenant sets aside', () => {
  assert.equal(asked({}), 1_024)
})

test('the maximum of a question is what it may use, in the words of each dialect', () => {
  assert.equal(asked({ max_tokens: 7 }), 7)
  assert.equal(asked({ max_completion_tokens: 70_000 }), 70_000)
  assert.equal(asked({ max_output_tokens: 9 }, 'responses'), 9)
})

test('of two maxima the larger is believed', () => {
  assert.equal(asked({ max_tokens: 7, max_completion_tokens: 9 }), 9)
})

test('several answers to one question count each', () => {
  assert.equal(asked({ max_tokens: 10, n: 3 }), 30)
  assert.equal(asked({ max_tokens: 10, n: 3, best_of: 5 }, 'completions'), 50)
  assert.equal(asked({ n: 2 }), 2_048)
})

test('what is no positive whole number is not believed', () => {
  for (const odd of [0, -5, 1.5, '10', null, [], 1e300]) {
    assert.equal(asked({ max_tokens: odd }), 1_024)
    assert.equal(asked({ n: odd, max_tokens: 10 }), 10)
  }
})

test('a maximum beyond every model stays a number that can be counted', () => {
  assert.equal(asked({ max_tokens: Number.MAX_SAFE_INTEGER, n: 1_000_000 }), 1_000_000_000)
})

test('embeddings generate nothing', () => {
  assert.equal(asked({ max_tokens: 10 }, 'embeddings'), 0)
})
