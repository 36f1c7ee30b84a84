import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodingOf } from '#shared/tokens/models.ts'

const known = {
  o200k_base: [
    'gpt-4o',
    'gpt-4o-mini',
    'gpt-4.1-nano',
    'gpt-4.5-preview',
    'gpt-5',
    'gpt-5.1-mini',
    'o1',
    'o3-mini',
    'o4-mini',
    'chatgpt-4o-latest',
    'ft:gpt-4o-mini:acme::x1',
  ],
  cl100k_base: [
    'gpt-4',
    'gpt-4-turbo',
    'gpt-3.5-turbo',
    'gpt-35-turbo',
    'text-embedding-3-small',
    'text-embedding-ada-002',
    'ft:gpt-3.5-turbo:acme::x1',
  ],
  o200k_harmony: ['gpt-oss-20b', 'openai/gpt-oss-120b'],
}

test('each model of OpenAI has its encoding', () => {
  for (const [encoding, models] of Object.entries(known)) {
    for (const model of models) assert.equal(encodingOf(model), encoding, model)
  }
})

test('a model that only begins like a known one has none', () => {
  for (const model of [
    '',
    'gpt-4.7',
    'gpt-40',
    'gpt-2',
    'o10',
    'claude-opus-4',
    'llama-3',
    'ada',
  ]) {
    assert.equal(encodingOf(model), undefined, model)
  }
})
