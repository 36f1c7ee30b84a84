import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundMembers } from '#ambassador/attempt/output-bound.ts'
import type { OutputFacts } from '#ambassador/providers/profile.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { scanTopLevel, withMembers } from '#shared/dialects/top-level.ts'

const openai: OutputFacts = { member: 'max_completion_tokens', other: 'left' }
const older: OutputFacts = { member: 'max_tokens', other: 'left' }
const deaf: OutputFacts = { member: 'max_tokens', other: 'ignored' }
const keys = ['max_completion_tokens', 'max_tokens', 'max_output_tokens']

/** The body that goes out with answers of at most 100 tokens. */
function bounded(question: object | string, facts = openai, dialect: Dialect = 'chat'): string {
  const body = Buffer.from(typeof question === 'string' ? question : JSON.stringify(question))
  const { values } = scanTopLevel(body, keys)
  return withMembers(
    body,
    values,
    boundMembers({ body, values, dialect, tokensMax: 100 }, facts),
  ).toString()
}

const members = (...given: Parameters<typeof bounded>): unknown => JSON.parse(bounded(...given))

test('a question without a bound gets the provider’s own word, or the dialect’s only one', () => {
  assert.deepEqual(members({ model: 'x' }), { model: 'x', max_completion_tokens: 100 })
  assert.deepEqual(members({ model: 'x' }, older), { model: 'x', max_tokens: 100 })
  for (const dialect of ['completions', 'messages'] as const) {
    assert.deepEqual(members({ model: 'x' }, openai, dialect), { model: 'x', max_tokens: 100 })
  }
  const bounds = { max_output_tokens: 100 }
  assert.deepEqual(members({ model: 'x' }, older, 'responses'), { model: 'x', ...bounds })
  assert.deepEqual(members({ model: 'x' }, openai, 'embeddings'), { model: 'x' })
})

test('the caller’s own word is kept, and only lowered', () => {
  for (const facts of [openai, older]) {
    assert.deepEqual(members({ max_tokens: 500 }, facts), { max_tokens: 100 })
    assert.deepEqual(members({ max_completion_tokens: 50 }, facts), { max_completion_tokens: 50 })
    assert.deepEqual(members({ max_tokens: 500, max_completion_tokens: 50 }, facts), {
      max_tokens: 100,
      max_completion_tokens: 50,
    })
  }
})

test('a provider that ignores the caller’s word gets the bound in its own too', () => {
  assert.deepEqual(members({ max_completion_tokens: 50 }, deaf), {
    max_tokens: 50,
    max_completion_tokens: 50,
  })
  assert.deepEqual(members({ max_tokens: 500 }, deaf), { max_tokens: 100 })
})

test('null is no bound, and what is no count is none that holds', () => {
  assert.deepEqual(members({ max_completion_tokens: null }), { max_completion_tokens: 100 })
  assert.deepEqual(members({ max_tokens: null, max_completion_tokens: 7 }), {
    max_tokens: null,
    max_completion_tokens: 7,
  })
  for (const wish of ['500', {}, -1, 1.5, 1e300]) {
    assert.deepEqual(members({ max_tokens: wish }), { max_tokens: 100 })
  }
  assert.deepEqual(members({ max_tokens: 0 }, older, 'messages'), { max_tokens: 0 })
})

test('nothing else of the bytes changes', () => {
  const body = '{ "model":"x",  "temperature": 1e-2, "max_tokens" : 500, "user":"\\u00e9" }'
  assert.equal(bounded(body), body.replace('500', '100'))
  const fitting = '{"model":"x","max_tokens":7}'
  assert.equal(bounded(fitting), fitting)
})

test('no count of tokens is ever raised, and none stays above the bound', () => {
  const counts = fc.record(
    { max_tokens: fc.nat(300), max_completion_tokens: fc.nat(300) },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(counts, fc.constantFrom(openai, older, deaf), (wish, facts) => {
      const body = Buffer.from(JSON.stringify({ model: 'x', ...wish }))
      const { values } = scanTopLevel(body, keys)
      const bounds = boundMembers({ body, values, dialect: 'chat', tokensMax: 100 }, facts)
      const sent = new Map(Object.entries({ ...wish }))
      for (const [key, json] of Object.entries(bounds)) {
        assert.ok(Number(json) <= (sent.get(key) ?? 100))
        sent.set(key, Number(json))
      }
      assert.ok(sent.size > 0 && [...sent.values()].every((count) => count <= 100))
    }),
  )
})
