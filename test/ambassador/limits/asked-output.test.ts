import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { askedOutput, outputKeys } from '#ambassador/limits/asked-output.ts'
import { promptsIn } from '#ambassador/limits/prompts-in.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'

function asked(question: object, dialect: Dialect = 'chat', cap?: number): number {
  const body = Buffer.from(JSON.stringify(question))
  const { values } = scanTopLevel(body, outputKeys)
  return askedOutput({ dialect, body, values, cap }, 1_024)
}

test('a question without a maximum reserves what the tenant sets aside', () => {
  assert.equal(asked({}), 1_024)
})

test('the maximum of a question is what it may use, in the words of each dialect', () => {
  assert.equal(asked({ max_tokens: 7 }), 7)
  assert.equal(asked({ max_completion_tokens: 70_000 }), 70_000)
  assert.equal(asked({ max_output_tokens: 9 }, 'responses'), 9)
})

test('a word of another dialect binds nobody', () => {
  assert.equal(asked({ max_tokens: 9, n: 5 }, 'responses'), 1_024)
  assert.equal(asked({ max_output_tokens: 9 }), 1_024)
  assert.equal(asked({ max_completion_tokens: 9, n: 5 }, 'messages'), 1_024)
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

test('a cap lowers what each answer may use, and is the maximum where there is no other', () => {
  assert.equal(asked({ max_tokens: 70 }, 'chat', 50), 50)
  assert.equal(asked({ max_tokens: 30, n: 2 }, 'chat', 50), 60)
  assert.equal(asked({ max_tokens: 7, max_completion_tokens: 90 }, 'chat', 50), 50)
  assert.equal(asked({}, 'messages', 4_096), 4_096)
})

test('each prompt of a list has an answer of its own', () => {
  const list = (prompt: unknown, more: object = {}) =>
    asked({ prompt, max_tokens: 10, ...more }, 'completions')
  assert.equal(list('one text, of "many" words'), 10)
  assert.equal(list(['one', 'two', 'th"r\\"ee, "four"', '\\']), 40)
  assert.equal(list(['one', 'two'], { n: 2, best_of: 3 }), 60)
  assert.equal(list([1, 22, 333]), 10)
  assert.equal(list([[1, 2], [3], []]), 30)
  assert.equal(list([]), 10)
  assert.equal(asked({ prompt: ['one', 'two'] }, 'completions'), 2_048)
  assert.equal(asked({ prompt: ['one', 'two'], max_tokens: 10 }, 'chat'), 10)
})

test('as many prompts are counted as there are, whatever stands in them', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 })
  const tokens = fc.array(fc.array(fc.nat()), { minLength: 1 })
  fc.assert(
    fc.property(fc.oneof(texts, tokens), fc.constantFrom(undefined, 2), (prompt, space) => {
      const body = Buffer.from(JSON.stringify({ prompt }, undefined, space))
      const range = scanTopLevel(body, ['prompt']).values.get('prompt')
      assert.equal(promptsIn(body, range), prompt.length)
    }),
  )
})

test('more prompts than anybody sends reserve as much as can be reserved', () => {
  const prompt = Array.from({ length: 70_000 }, () => '')
  assert.equal(asked({ prompt, max_tokens: 1 }, 'completions'), 1_000_000_000)
})

test('of a list full of quotes the rest is taken to be as its beginning', () => {
  const text = '"'.repeat(30_000)
  const prompt = Array.from({ length: 20 }, () => text)
  const believed = asked({ prompt, max_tokens: 1 }, 'completions')
  assert.ok(believed >= 20 && believed <= 22, String(believed))
})

test('embeddings generate nothing', () => {
  assert.equal(asked({ max_tokens: 10 }, 'embeddings'), 0)
})
