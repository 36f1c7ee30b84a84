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

test('the trailer carries every number there and back', () => {
  const count = fc.nat(1e9)
  const usage = fc.record({
    input: count,
    cached: count,
    cacheWrite: count,
    output: count,
    reasoning: count,
    isExact: fc.boolean(),
  })
  fc.assert(
    fc.property(usage, fc.boolean(), (given, isComplete) => {
      assert.deepEqual(parseUsage(formatUsage(given, isComplete)), { ...given })
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
