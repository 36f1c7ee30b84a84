import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import { readPrompt } from '#ambassador/pool/tokens/prompt-facts.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'

const messages = [{ role: 'user', content: 'a' }]

function read(body: unknown, dialect: Dialect = 'chat') {
  return readPrompt(dialect, Buffer.from(JSON.stringify(body)))
}

test('a conversation of text is read with what steers its template', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }]
  assert.deepEqual(read({ messages, tools, chat_template_kwargs: { enable_thinking: false } }), {
    kind: 'chat',
    messages,
    tools,
    templateOptions: { enable_thinking: false },
    addsGenerationPrompt: true,
    continuesLast: false,
    addsSpecialTokens: false,
  })
})

test('what changes a prompt in ways not followed here leaves only its bytes', () => {
  const odd: Json[] = [
    { chat_template: 'x' },
    { documents: [] },
    { reasoning_effort: 'low' },
    { truncate_prompt_tokens: 5 },
    { functions: [] },
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'u' } }] }] },
    { messages: [{ role: 'user', content: 7 }] },
    { messages: [{ content: 'a' }] },
    { messages: ['a'] },
    { messages: Array.from({ length: 1_025 }, () => messages[0]) },
    { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: {} } }] }] },
    { tools: ['f'] },
    { tools: [{ function: { name: 'f' } }], tool_choice: 'none' },
  ]
  for (const more of odd) assert.equal(read({ messages, ...more })?.kind, 'opaque')
  assert.equal(read({ messages }, 'messages')?.kind, 'opaque')
})

test('tools with numbers that Python writes differently leave only bytes', () => {
  const withTools = (parameters: string) =>
    readPrompt(
      'chat',
      Buffer.from(
        `{"messages":[{"role":"user","content":"1.0"}],"tools":[{"function":{"name":"f","description":"Version 1.0, 1e5","parameters":${parameters}}}]}`,
      ),
    )?.kind
  for (const odd of ['{"a":1.0}', '{"a":1e5}', '{"a":12345678901234567890}', '{"a":0.10}']) {
    assert.equal(withTools(odd), 'opaque')
  }
  assert.equal(withTools('{"a":1.5,"b":-3}'), 'chat')
})

test('completions are a text, ids, or something else', () => {
  const ask = (prompt: unknown) => read({ prompt }, 'completions')
  assert.deepEqual(ask('a'), { kind: 'text', text: 'a', addsSpecialTokens: true })
  assert.deepEqual(ask([1, 2]), { kind: 'ids', ids: Uint32Array.of(1, 2) })
  for (const other of [['a', 'b'], [[1, 2]], [1.5], [-1], 7]) {
    assert.equal(ask(other)?.kind, 'opaque')
  }
})

test('Responses are compared by their instructions, their input and what is before them', () => {
  const ask = (body: object) => read(body, 'responses')
  const user = { role: 'user', content: 'a' }
  const none = { kind: 'opaque', tools: undefined, rest: undefined }
  assert.deepEqual(ask({ input: 'a' }), { ...none, messages: [user] })
  assert.deepEqual(ask({ input: [user], instructions: null }), { ...none, messages: [user] })
  const system = { role: 'system', content: 'b' }
  assert.deepEqual(ask({ input: [user], instructions: 'b' }), { ...none, messages: [system, user] })
  const { rest } = { rest: undefined, ...ask({ input: 'a', previous_response_id: 'resp_1' }) }
  assert.deepEqual(rest, [['previous_response_id', 'resp_1']])
  for (const odd of [{}, { input: 7 }, { input: null }]) assert.equal(ask(odd), undefined)
})

test('a body without a prompt has none', () => {
  for (const body of [[], 'a', null, {}, { messages: 'a' }]) assert.equal(read(body), undefined)
  assert.equal(readPrompt('chat', Buffer.from('{')), undefined)
  assert.equal(read({}, 'completions'), undefined)
})
