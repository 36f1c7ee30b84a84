import assert from 'node:assert/strict'
import { test } from 'node:test'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { capOutput } from '../../../sidecar/fallback/cap-output.ts'
import { manualClock } from '../../manual-clock.ts'
import { callOf, membersOf, requestOf } from '../sidecar-call.ts'

function capped(body: object | string, path = '/v1/chat/completions'): string {
  const context = callOf(manualClock())
  context.surface = surfaceOf(path) ?? { path, dialect: 'responses', wants: 'answer' }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  context.members = membersOf(Buffer.from(text))
  return capOutput(requestOf(text), context, 100).body.toString()
}

const members = (text: string): unknown => JSON.parse(text)

test('each dialect has its own word for the length of an answer', () => {
  const cap = (path: string) => members(capped({ model: 'x' }, path))
  assert.deepEqual(cap('/v1/chat/completions'), { model: 'x', max_completion_tokens: 100 })
  assert.deepEqual(cap('/v1/completions'), { model: 'x', max_tokens: 100 })
  assert.deepEqual(cap('/v1/messages'), { model: 'x', max_tokens: 100 })
  assert.deepEqual(cap('/v1/responses'), { model: 'x', max_output_tokens: 100 })
  assert.deepEqual(cap('/v1/embeddings'), { model: 'x' })
})

test('the caller’s own word is kept, and only lowered', () => {
  assert.deepEqual(members(capped({ model: 'x', max_tokens: 500 })), {
    model: 'x',
    max_tokens: 100,
  })
  assert.deepEqual(members(capped({ model: 'x', max_tokens: 50 })), { model: 'x', max_tokens: 50 })
  assert.deepEqual(members(capped({ max_tokens: 500, max_completion_tokens: 50 })), {
    max_tokens: 100,
    max_completion_tokens: 50,
  })
})

test('no wish at all, and what is none, is capped as well', () => {
  for (const wish of [null, '500', {}]) {
    assert.deepEqual(members(capped({ max_completion_tokens: wish })), {
      max_completion_tokens: 100,
    })
  }
})

test('nothing else of the bytes changes', () => {
  const body = '{ "model":"x",  "temperature": 1e-2, "max_tokens" : 500, "user":"\\u00e9" }'
  assert.equal(capped(body), body.replace('500', '100'))
  const fitting = '{"model":"x","max_tokens":7}'
  assert.equal(capped(fitting), fitting)
})

test('what is only counted has no answer to cap', () => {
  const body = '{"model":"x","messages":[]}'
  assert.equal(capped(body, '/v1/messages/count_tokens'), body)
  assert.equal(capped(body, '/v1/responses/input_tokens'), body)
})
