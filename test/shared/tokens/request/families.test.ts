import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelFamily } from '#shared/tokens/request/families.ts'

const ids: Readonly<Record<string, string>> = {
  'gpt-4o': 'gpt-4o',
  'gpt-4o-2024-08-06': 'gpt-4o',
  'openai/gpt-4o-mini': 'gpt-4o-mini',
  'ft:gpt-4o-mini-2024-07-18:acme::abc': 'gpt-4o-mini',
  'gpt-4-0613': 'gpt-4',
  'gpt-4-32k': 'gpt-4',
  'gpt-4-turbo-2024-04-09': 'gpt-4-turbo',
  'gpt-4.1-nano-2025-04-14': 'gpt-4.1-nano',
  'gpt-35-turbo': 'gpt-35-turbo',
  'gpt-5': 'gpt-5',
  'gpt-5-chat-latest': 'gpt-5-chat',
  'gpt-5.1': 'openai-unlisted',
  'gpt-5.6-luna': 'gpt-5.6',
  'gpt-6-luna': 'openai-unlisted',
  o1: 'o1',
  'o4-mini-2025-04-16': 'o4-mini',
  'openai/gpt-oss-120b': 'gpt-oss',
  'text-embedding-3-small': 'openai-text',
  'claude-opus-4-20250514': 'claude-opus-4',
  'claude-opus-4-8': 'claude-opus-4-8',
  'claude-opus-5-5': 'claude-unlisted',
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0': 'claude-sonnet-4-5',
  'claude-3-5-sonnet@20240620': 'claude-3-5-sonnet-20240620',
  'claude-3-5-sonnet-v2@20241022': 'claude-3-5-sonnet',
  'Qwen/Qwen2.5-7B-Instruct': 'qwen2.5',
  'Qwen/Qwen3-8B': 'chatml',
  'meta-llama/Meta-Llama-3-8B-Instruct': 'llama-3',
  'meta-llama/Llama-3.3-70B-Instruct': 'llama-3.1',
  'google/gemma-3-27b-it': 'gemma',
  'gemini-2.5-pro': 'gemini',
  'my-deployment': 'unknown',
  '': 'unknown',
}

test('a model belongs to the family of its name, not to that of a shorter name', () => {
  for (const [model, id] of Object.entries(ids)) assert.equal(modelFamily(model).id, id, model)
})

test('texts are exact only where the encoding of the model is published', () => {
  const exactness = (model: string) => {
    const { text } = modelFamily(model)
    return text.kind === 'tokenizer' ? text.exactness : text.kind
  }
  assert.equal(exactness('gpt-5.4'), 'exact')
  assert.equal(exactness('gpt-6-astra'), 'estimate')
  assert.equal(exactness('Qwen/Qwen3-8B'), 'estimate')
  assert.equal(exactness('claude-opus-5'), 'bytes')
  assert.equal(exactness('gemini-2.5-pro'), 'bytes')
})

test('later Claude models take about 30 % more tokens for a text', () => {
  const bytes = (model: string) => {
    const { text } = modelFamily(model)
    return text.kind === 'bytes' ? text.bytesPerToken : 0
  }
  assert.equal(bytes('claude-sonnet-4-6'), 3.5)
  assert.equal(bytes('claude-sonnet-4-6') / bytes('claude-sonnet-5'), 1.3)
})
