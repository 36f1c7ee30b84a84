import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ask, tiny } from './client.ts'

const turn = fc.record({
  role: fc.constantFrom('user', 'assistant', 'system'),
  content: fc.string({ unit: 'grapheme', maxLength: 40 }),
})
const turns = fc.array(turn, { minLength: 1, maxLength: 4 })

test('the tokenizer counts what the engine counts, and longer conversations begin as shorter ones', async (context) => {
  const { port } = await tiny(context)
  const tokens = async (body: object): Promise<number[]> =>
    JSON.parse((await ask(port, { path: '/tokenize', body })).body).tokens
  await fc.assert(
    fc.asyncProperty(turns, turn, async (messages, more) => {
      const asked = await tokens({ messages })
      const body = { messages, max_tokens: 1 }
      const { usage } = JSON.parse((await ask(port, { path: '/v1/chat/completions', body })).body)
      assert.equal(usage.prompt_tokens, asked.length)
      const before = await tokens({ messages, add_generation_prompt: false })
      const after = await tokens({ messages: [...messages, more] })
      assert.deepEqual(after.slice(0, before.length), before)
      assert.deepEqual(asked.slice(0, before.length), before)
    }),
    { numRuns: 30 },
  )
})

test('a prompt of tokens that the tokenizer gave is the prompt of its text', async (context) => {
  const { port } = await tiny(context)
  const prompt = 'one story about a harbor and its boats. '.repeat(20)
  const path = '/v1/completions'
  const { tokens } = JSON.parse((await ask(port, { path: '/tokenize', body: { prompt } })).body)
  await ask(port, { path, body: { prompt, max_tokens: 1 } })
  const { usage } = JSON.parse(
    (await ask(port, { path, body: { prompt: tokens, max_tokens: 1 } })).body,
  )
  assert.equal(usage.prompt_tokens, tokens.length)
  assert.equal(usage.prompt_tokens_details.cached_tokens, Math.floor((tokens.length - 1) / 32) * 32)
})

test('prompt and answer are the beginning of the next turn', async (context) => {
  const { port } = await tiny(context)
  const messages = [{ role: 'user', content: 'tell a story' }]
  const body = { messages, max_tokens: 90 }
  const whole = JSON.parse((await ask(port, { path: '/v1/chat/completions', body })).body)
  const { content } = whole.choices[0].message
  const next = [...messages, { role: 'assistant', content }, { role: 'user', content: 'go on' }]
  const asked = { messages: next, max_tokens: 1 }
  const { usage } = JSON.parse(
    (await ask(port, { path: '/v1/chat/completions', body: asked })).body,
  )
  // All but the last token of an answer is computed.
  const computed = whole.usage.total_tokens - 1
  assert.equal(usage.prompt_tokens_details.cached_tokens, computed - (computed % 32))
})
