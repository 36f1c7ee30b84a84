import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import { modelFamily } from '#shared/tokens/request/families.ts'
import type { RequestCount } from '#shared/tokens/request/tally.ts'
import { countRequest, countWith, hello, partsOf, weatherTool } from './counted.ts'
import { pngBase64, pngUrl } from './png.ts'

const count = countWith(o200k)

test('images, calls, results, schemas and media of a chat are parts of their own', () => {
  const content = [
    { type: 'text', text: 'look' },
    { type: 'image_url', image_url: { url: pngUrl(1024, 1024), detail: 'high' } },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA', filename: 'a.pdf' } },
  ]
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
  const schema = { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } }
  const result = count('chat', 'gpt-4o', {
    messages: [
      { role: 'user', content, name: 'ann' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'sunny' },
    ],
    tools: [weatherTool],
    tool_choice: { type: 'function', function: { name: 'get_current_weather' } },
    response_format: schema,
  })
  assert.deepEqual(partsOf(result, 'images'), [
    { what: 'images', tokens: 765, exactness: 'formula' },
  ])
  for (const what of [
    'names',
    'tools',
    'tool choice',
    'tool calls',
    'tool results',
    'documents',
    'audio',
    'output schema',
  ] as const) {
    assert.ok(partsOf(result, what).length > 0, what)
  }
  assert.deepEqual(partsOf(result, 'unknown'), [])
})

test('an image that is not in the request costs the most an image may, as an estimate', () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
  const result = count('chat', 'gpt-4o', { messages: [{ role: 'user', content: [image] }] })
  assert.deepEqual(partsOf(result, 'images'), [
    { what: 'images', tokens: 85 + 8 * 170, exactness: 'estimate' },
  ])
})

test('a Responses body counts instructions, items, reasoning and what only the provider holds', () => {
  const result = count('responses', 'gpt-5', {
    instructions: 'be brief',
    previous_response_id: 'resp_1',
    input: [
      { role: 'user', content: [{ type: 'input_image', image_url: pngUrl(512, 512) }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'ok' },
      { type: 'computer_call_output', output: { type: 'computer_screenshot', image_url: 'x' } },
      { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'A'.repeat(64) },
      { type: 'web_search_call', id: 'w', status: 'completed', action: { query: 'news' } },
    ],
    tools: [{ type: 'function', name: 'f', parameters: {} }, { type: 'web_search' }],
    text: { format: { type: 'json_schema', name: 's', schema: {} } },
  })
  assert.equal(partsOf(result, 'reasoning')[0]?.tokens, 12)
  assert.equal(partsOf(result, 'stored history')[0]?.tokens, 2000)
  assert.equal(partsOf(result, 'images').length, 1)
  assert.ok((partsOf(result, 'unknown')[0]?.tokens ?? 0) > 5)
  assert.ok(partsOf(result, 'output schema').length === 1)
})

test("Anthropic's examples of token counting come out, Claude being an estimate", () => {
  const plain = count('messages', 'claude-opus-4-20250514', {
    system: 'You are a scientist',
    messages: [{ role: 'user', content: 'Hello, Claude' }],
  })
  assert.equal(plain.tokens, 14)
  assert.equal(plain.exactness, 'estimate')
  const tool = {
    name: 'get_weather',
    description: 'Get the current weather in a given location',
    input_schema: {
      type: 'object',
      properties: {
        location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
      },
      required: ['location'],
    },
  }
  // 403 by the page on token counting; the rule for JSON is a guess, so within a tenth.
  const withTool = count('messages', 'claude-opus-4-20250514', {
    tools: [tool],
    messages: [{ role: 'user', content: "What's the weather like in San Francisco?" }],
  })
  assert.ok(Math.abs(withTool.tokens - 403) < 40, String(withTool.tokens))
})

test("Claude's hidden prompt for tools depends on the choice, and comes only with tools", () => {
  const base = { messages: hello, tools: [{ name: 't', input_schema: {} }] }
  const hidden = (choice: unknown, model = 'claude-opus-5') =>
    partsOf(count('messages', model, { ...base, tool_choice: choice }), 'tool choice')
  assert.deepEqual(hidden(undefined), [{ what: 'tool choice', tokens: 286, exactness: 'formula' }])
  assert.equal(hidden({ type: 'any' })[0]?.tokens, 406)
  assert.deepEqual(hidden({ type: 'auto' }, 'claude-opus-9'), [
    { what: 'tool choice', tokens: 675, exactness: 'estimate' },
  ])
  assert.deepEqual(
    partsOf(count('messages', 'claude-opus-5', { messages: hello }), 'tool choice'),
    [],
  )
})

test('blocks of Messages are read, also inside results of tools', () => {
  const image = { type: 'image', source: { type: 'base64', data: pngBase64(1000, 1000) } }
  const result = count('messages', 'claude-sonnet-4-6', {
    system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hmm', signature: 'AA' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [image] }] },
      { role: 'user', content: [{ type: 'document', source: { type: 'text', data: 'abc' } }] },
    ],
  })
  assert.equal(partsOf(result, 'images')[0]?.tokens, 1296)
  assert.deepEqual(partsOf(result, 'documents'), [
    { what: 'documents', tokens: 1, exactness: 'estimate' },
  ])
  assert.deepEqual(partsOf(result, 'unknown'), [])
})

test('pages of a PDF are counted where they can be seen', () => {
  const pdf = Buffer.from('%PDF-1.4 /Type /Pages /Type /Page x /Type/Page y').toString('base64')
  const source = { type: 'base64', media_type: 'application/pdf', data: pdf }
  const result = count('messages', 'claude-opus-5', {
    messages: [{ role: 'user', content: [{ type: 'document', source }] }],
  })
  assert.equal(partsOf(result, 'documents')[0]?.tokens, 2 * (3000 + 1568))
})

test('prompts and inputs are exact without frames, as texts or as tokens', () => {
  const text = 'tiktoken is great!'
  const exact = (tokens: number): RequestCount => ({
    tokens,
    exactness: 'exact',
    parts: [{ what: 'text', tokens, exactness: 'exact' }],
  })
  assert.deepEqual(count('embeddings', 'text-embedding-3-small', { input: text }), exact(6))
  assert.deepEqual(
    count('embeddings', 'text-embedding-3-small', { input: [text, text] }),
    exact(12),
  )
  assert.deepEqual(count('completions', 'gpt-4o', { prompt: [1, 2, 3], max_tokens: 9 }), exact(3))
  assert.deepEqual(count('completions', 'gpt-4o', { prompt: [[1], [2, 3]] }), exact(3))
})

test("Llama 3's frames follow its template: 1, then 4 and a role a message, 4 for the reply", () => {
  const result = count('chat', 'meta-llama/Meta-Llama-3-8B-Instruct', { messages: hello })
  assert.deepEqual(partsOf(result, 'framing'), [
    { what: 'framing', tokens: 1 + 5 + 4, exactness: 'formula' },
  ])
  assert.equal(result.exactness, 'estimate')
  const family = modelFamily('meta-llama/Meta-Llama-3-8B-Instruct')
  const own = { ...family, text: { kind: 'tokenizer', exactness: 'exact' } } as const
  const exact = countRequest({
    dialect: 'chat',
    body: { messages: hello },
    family: own,
    countText: o200k,
  })
  assert.equal(exact.exactness, 'formula')
})

test('a text file within the request costs its text, not pages', () => {
  const text = 'a line of words\n'.repeat(50)
  const url = `data:text/plain;base64,${Buffer.from(text).toString('base64')}`
  const file = { type: 'input_file', file_data: url }
  const result = count('responses', 'gpt-4o', { input: [{ role: 'user', content: [file] }] })
  assert.deepEqual(partsOf(result, 'documents'), [
    { what: 'documents', tokens: o200k(text), exactness: 'estimate' },
  ])
})

test('members of the wrong type cost their JSON', () => {
  const long = { why: 'this is no text but it carries a great many words' }
  const parts = [
    { type: 'text', text: long },
    { type: 'thinking', thinking: long },
    { type: 'redacted_thinking', data: long },
    { type: 'tool_use', name: long, input: {} },
    { type: 'tool_result', content: long },
    { type: 'refusal', refusal: long },
  ]
  for (const part of parts) {
    const body = { messages: [{ role: 'user', content: [part] }] }
    const result = count('messages', 'claude-opus-5', body)
    assert.ok((partsOf(result, 'unknown')[0]?.tokens ?? 0) > 10, part.type)
  }
})

test('frames and tools of Responses are estimates, since only those of Chat are published', () => {
  const plain = count('responses', 'gpt-4o', { input: 'hello', tools: [weatherTool.function] })
  assert.equal(partsOf(plain, 'framing')[0]?.exactness, 'estimate')
  assert.equal(partsOf(plain, 'tools')[0]?.exactness, 'estimate')
  const chat = count('chat', 'gpt-4o', { messages: hello, tools: [weatherTool] })
  assert.equal(plain.tokens, chat.tokens)
})

test('a template that has a system message of its own adds it only where there is none', () => {
  const system = { role: 'system', content: 'x' }
  const framing = (messages: unknown[]) =>
    partsOf(count('chat', 'Qwen/Qwen2.5-7B-Instruct', { messages }), 'framing')[0]?.tokens
  assert.equal(framing([system, ...hello]), 5 + 5 + 3)
  const own = o200k('You are Qwen, created by Alibaba Cloud. You are a helpful assistant.')
  assert.equal(framing(hello), 5 + 5 + own + 3)
})

test('what is not understood goes to the tokenizer only up to 64 KiB', () => {
  const lengths: number[] = []
  const watched = countWith((text) => {
    lengths.push(text.length)
    return 1
  })
  const part = { type: 'hologram', data: 'A'.repeat(1_000_000) }
  const result = watched('chat', 'gpt-4o', { messages: [{ role: 'user', content: [part] }] })
  assert.ok(Math.max(...lengths) <= 65_536)
  assert.ok(result.tokens > 250_000)
})

test('the length of a WAV file is read from its head', () => {
  const bytes = Buffer.alloc(32_000)
  bytes.write('RIFF....WAVEfmt ', 'latin1')
  bytes.writeUInt32LE(16_000, 28)
  const audio = { type: 'input_audio', input_audio: { data: bytes.toString('base64') } }
  const result = count('chat', 'gpt-4o', { messages: [{ role: 'user', content: [audio] }] })
  assert.deepEqual(partsOf(result, 'audio'), [
    { what: 'audio', tokens: 2 * 32 + 1, exactness: 'estimate' },
  ])
})
