import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CountedDialect } from '#shared/tokens/request/count-request.ts'
import { modelFamily } from '#shared/tokens/request/families.ts'
import { type RequestCount, weaker } from '#shared/tokens/request/tally.ts'
import { countRequest } from './counted.ts'
import { pngUrl } from './png.ts'

const models = [
  'gpt-4',
  'gpt-4o',
  'gpt-5.6-sol',
  'claude-opus-5',
  'gemini-3-pro',
  'Qwen/Qwen2.5-7B-Instruct',
  'meta-llama/Llama-3.1-8B-Instruct',
  'openai/gpt-oss-120b',
  'nobody-knows',
]
const dialects: readonly CountedDialect[] = [
  'chat',
  'completions',
  'embeddings',
  'messages',
  'responses',
]

/** A tokenizer that is cheap and never free, as every real one. */
function countText(text: string): number {
  return Math.ceil(text.length / 3)
}

function count(dialect: CountedDialect, model: string, body: unknown): RequestCount {
  return countRequest({ dialect, body, family: modelFamily(model), countText })
}

function assertSound(result: RequestCount): void {
  assert.ok(Number.isSafeInteger(result.tokens) && result.tokens >= 0, String(result.tokens))
  assert.equal(
    result.tokens,
    result.parts.reduce((sum, part) => sum + part.tokens, 0),
  )
  assert.ok(result.parts.every((part) => part.tokens > 0))
  assert.ok(result.parts.length <= 45)
  const weakest = result.parts.map((part) => part.exactness).reduce(weaker, 'exact')
  assert.equal(result.exactness, weakest)
}

const anyModel = fc.constantFrom(...models)
const anyDialect = fc.constantFrom(...dialects)
const json = fc.jsonValue({ maxDepth: 4 })

test('any JSON is counted: the sum is finite, its parts positive, its exactness the weakest', () => {
  fc.assert(
    fc.property(anyDialect, anyModel, json, (dialect, model, body) => {
      assertSound(count(dialect, model, body))
    }),
    { numRuns: 60 },
  )
})

/** Bodies with the right names and arbitrary values: what reaches the readers of each member. */
const members = [
  'messages',
  'input',
  'prompt',
  'system',
  'instructions',
  'tools',
  'functions',
  'tool_choice',
  'response_format',
  'text',
  'output_config',
  'previous_response_id',
  'suffix',
  'whatever',
]
const words = [
  'user',
  'system',
  'tool',
  'function',
  'text',
  'image',
  'image_url',
  'input_image',
  'input_audio',
  'file',
  'document',
  'tool_use',
  'tool_result',
  'thinking',
  'function_call',
  'reasoning',
  'object',
  'array',
  'base64',
  pngUrl(3, 4),
]
const keys = [
  'role',
  'content',
  'type',
  'text',
  'name',
  'source',
  'data',
  'image_url',
  'url',
  'input_audio',
  'file',
  'tool_calls',
  'function',
  'arguments',
  'parameters',
  'properties',
  'enum',
  'items',
  'description',
  'output',
  'summary',
  'x',
]
const { value: near, part: nearPart } = fc.letrec((tie) => ({
  part: fc
    .tuple(
      fc.constantFrom(...words),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { minKeys: 1, maxKeys: 4 }),
    )
    .map(([word, rest]) => ({ role: word, type: word, ...rest })),
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.constantFrom<unknown>(...words, null, 0, -1, true, '', []),
    fc.array(tie('part'), { maxLength: 3 }),
    tie('part'),
    fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 4 }),
  ),
}))
const nearMessage = fc.oneof(
  near,
  fc.record({
    role: fc.constantFrom('user', 'assistant', 'system', 'function', 'tool'),
    content: fc.oneof(fc.string(), fc.array(nearPart, { maxLength: 4 })),
  }),
)
const nearBody = fc.dictionary(
  fc.constantFrom(...members),
  fc.oneof(near, fc.array(nearMessage, { maxLength: 3 })),
  { minKeys: 1, maxKeys: 5 },
)

test('malformed members never throw and never count below zero', () => {
  fc.assert(
    fc.property(anyDialect, anyModel, nearBody, (dialect, model, body) => {
      assertSound(count(dialect, model, body))
    }),
    { numRuns: 60 },
  )
})

test('a count in steps of any size is the count', () => {
  const step = fc.constantFrom(1, 7, 100)
  fc.assert(
    fc.property(anyDialect, anyModel, nearBody, step, (dialect, model, body, characters) => {
      const request = { dialect, body, family: modelFamily(model), countText }
      const whole = countRequest(request)
      const stepped = countRequest(request, characters)
      assert.deepEqual([stepped.tokens, stepped.exactness], [whole.tokens, whole.exactness])
      assert.ok(whole.tokens > 0)
    }),
    { numRuns: 60 },
  )
})

test('one message more never lowers the count', () => {
  const list = { chat: 'messages', messages: 'messages', responses: 'input' } as const
  fc.assert(
    fc.property(
      fc.constantFrom('chat', 'messages', 'responses'),
      anyModel,
      fc.array(nearMessage, { maxLength: 3 }),
      nearMessage,
      (dialect, model, before, added) => {
        const tools = [{ type: 'function', function: { name: 'f' } }]
        const countOf = (messages: unknown[]) =>
          count(dialect, model, { [list[dialect]]: messages, tools }).tokens
        assert.ok(countOf([...before, added]) >= countOf(before))
      },
    ),
    { numRuns: 60 },
  )
})

test('a part of an unknown type is an estimate and never free', () => {
  const part = fc.dictionary(fc.string(), json, { maxKeys: 3 })
  fc.assert(
    fc.property(anyModel, part, (model, rest) => {
      const body = (content: unknown[]) => ({ messages: [{ role: 'user', content }] })
      const without = count('chat', model, body([]))
      const result = count('chat', model, body([{ ...rest, type: 'hologram' }]))
      assert.ok(result.tokens > without.tokens)
      assert.equal(result.exactness, 'estimate')
    }),
  )
})

test('an unknown member that carries text is counted; one that steers the call is not', () => {
  const base = { messages: [{ role: 'user', content: 'hi' }] }
  const plain = count('chat', 'gpt-4o', base)
  const steered = { ...base, model: 'gpt-4o', temperature: 1, stream: true, user: 'u', stop: ['x'] }
  assert.deepEqual(count('chat', 'gpt-4o', steered), plain)
  const more = count('chat', 'gpt-4o', { ...base, documents: [{ text: 'a long story' }] })
  assert.ok(more.tokens > plain.tokens)
  assert.equal(more.exactness, 'estimate')
})

test('bodies that nest deeper than the stack are counted', () => {
  const deep = (open: string, close: string): unknown => {
    const text = open.repeat(50_000) + close.repeat(50_000)
    return JSON.parse(`{"messages":[{"role":"user","content":${text}}],"tools":[${text}]}`)
  }
  for (const model of ['gpt-4', 'gpt-4o', 'claude-opus-5']) {
    assertSound(count('chat', model, deep('[', ']')))
  }
  const schema = `${'{"type":"array","items":'.repeat(20_000)}{}${'}'.repeat(20_000)}`
  const nested = `${'{"type":"object","properties":{"a":'.repeat(20_000)}{}${'}}'.repeat(20_000)}`
  for (const text of [schema, nested]) {
    const tools = JSON.parse(`[{"name":"f","parameters":{"properties":{"p":${text}}}}]`)
    for (const model of ['gpt-4', 'gpt-4o', 'claude-opus-5']) {
      assertSound(count('chat', model, { messages: [], functions: tools }))
    }
  }
  const result = `${'{"type":"tool_result","content":['.repeat(5000)}${']}'.repeat(5000)}`
  assertSound(
    count('messages', 'claude-opus-5', JSON.parse(`{"messages":[{"content":[${result}]}]}`)),
  )
})
