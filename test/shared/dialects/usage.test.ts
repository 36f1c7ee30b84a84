import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatUsage,
  mergeUsage,
  noUsage,
  parseUsage,
  readUsage,
  usageInTail,
  usageOf,
} from '#shared/dialects/usage.ts'

test('input of the OpenAI form includes what was cached', () => {
  const usage = readUsage({
    prompt_tokens: 38,
    completion_tokens: 4,
    prompt_tokens_details: { cached_tokens: 32 },
    completion_tokens_details: { reasoning_tokens: 2 },
  })
  assert.deepEqual(usage, {
    input: 38,
    cached: 32,
    cacheWrite: 0,
    cacheWrite1h: 0,
    output: 4,
    reasoning: 2,
    isExact: true,
  })
})

test('input of the Anthropic form excludes what was cached, so it is added', () => {
  const usage = readUsage({
    input_tokens: 6,
    output_tokens: 4,
    cache_read_input_tokens: 32,
    cache_creation_input_tokens: 1,
  })
  assert.deepEqual(usage, {
    input: 39,
    cached: 32,
    cacheWrite: 1,
    cacheWrite1h: 0,
    output: 4,
    reasoning: 0,
    isExact: true,
  })
})

test('usage of message_start is found, and a later report without input keeps it', () => {
  const start = usageOf({
    type: 'message_start',
    message: { usage: { input_tokens: 38, output_tokens: 0 } },
  })
  const end = usageOf({ type: 'message_delta', usage: { output_tokens: 4 } })
  assert.ok(end)
  assert.deepEqual(mergeUsage(start, end), { ...noUsage, input: 38, output: 4, isExact: true })
})

test('what was written to the cache for an hour is kept to the end of a stream', () => {
  const cache_creation = { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 6 }
  const usage = { input_tokens: 3, cache_creation_input_tokens: 7, output_tokens: 1 }
  const start = usageOf({ message: { usage: { ...usage, cache_creation } } })
  const end = usageOf({ usage: { ...usage, output_tokens: 9 } })
  assert.ok(end)
  const merged = mergeUsage(start, end)
  assert.deepEqual([merged.cacheWrite, merged.cacheWrite1h, merged.output], [7, 6, 9])
})

const forms = {
  'Responses includes what was cached': [
    {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 3 },
    },
    { input: 9, cached: 4, cacheWrite: 2, output: 5, reasoning: 3 },
  ],
  'DeepSeek has a name of its own for what was cached': [
    { prompt_tokens: 9, prompt_cache_hit_tokens: 4, completion_tokens: 5, total_tokens: 14 },
    { input: 9, cached: 4, output: 5 },
  ],
  'Mistral has two': [
    { prompt_tokens: 9, prompt_token_details: { cached_tokens: 4 }, completion_tokens: 5 },
    { input: 9, cached: 4, output: 5 },
  ],
  'xAI leaves reasoning out of the completion and a long cached prompt out of the prompt': [
    {
      prompt_tokens: 2,
      completion_tokens: 5,
      total_tokens: 10,
      prompt_tokens_details: { cached_tokens: 7 },
      completion_tokens_details: { reasoning_tokens: 3 },
    },
    { input: 9, cached: 7, output: 8, reasoning: 3 },
  ],
} as const

for (const [name, [given, expected]] of Object.entries(forms)) {
  test(`usage: ${name}`, () => {
    assert.deepEqual(readUsage(given), { ...noUsage, ...expected, isExact: true })
  })
}

test('the trailer carries every number there and back', () => {
  const count = fc.nat(1e9)
  const usage = fc.record({
    input: count,
    cached: count,
    cacheWrite: count,
    output: count,
    reasoning: count,
    isExact: fc.boolean(),
    cost: fc.option(fc.constantFrom('0', '0.00525', '12.000000000001'), { nil: undefined }),
  })
  fc.assert(
    fc.property(usage, fc.boolean(), (given, isComplete) => {
      const usage = { ...given, cacheWrite1h: 0 }
      assert.deepEqual(parseUsage(formatUsage(usage, isComplete)), usage)
    }),
  )
  assert.equal(parseUsage('input=1'), undefined)
})

test('usage is found in the end of an answer, whatever text says', () => {
  const answer = {
    text: '"usage":{"prompt_tokens":9}',
    usage: { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 1 } },
  }
  const tail = Buffer.from(JSON.stringify(answer)).subarray(-120)
  assert.deepEqual(usageInTail(tail), { ...noUsage, input: 3, cached: 1, output: 4, isExact: true })
  assert.equal(usageInTail(Buffer.from('data: [DONE]\n\n')), undefined)
  assert.equal(usageInTail(Buffer.from('"usage":{"prompt_tokens":')), undefined)
})

test('usage in the end of an answer is read with the objects and texts inside of it', () => {
  const object =
    '{"prompt_tokens":3,"service":"a } in \\"text\\"","prompt_tokens_details":{"cached_tokens":1,"by":{}},"completion_tokens":4}'
  const usage = { ...noUsage, input: 3, cached: 1, output: 4, isExact: true }
  for (const space of ['', ' ', '\n  ']) {
    const tail = `"content":"\\"usage\\":1"}],"usage":${space}${object},"service_tier":"default"}`
    assert.deepEqual(usageInTail(Buffer.from(tail)), usage)
  }
  assert.deepEqual(usageInTail(Buffer.from(`"usage":${object},"usage":null}`)), usage)
  assert.equal(usageInTail(Buffer.from(`"usage":${object.slice(0, -1)}`)), undefined)
})
