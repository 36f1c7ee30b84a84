import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import type { CountedDialect } from '#shared/tokens/request/count-request.ts'
import { countWith, hello, partsOf, weatherTool } from './counted.ts'

/** The encoding each model has, so that the counts are those the API reported. */
function count(dialect: CountedDialect, model: string, body: unknown) {
  return countWith(/^gpt-(?:3|4-|4$)/.test(model) ? cl100k : o200k)(dialect, model, body)
}

/** Cookbook, "How to count tokens with tiktoken", section 6. */
const jargon = [
  {
    role: 'system',
    content:
      'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
  },
  {
    role: 'system',
    name: 'example_user',
    content: 'New synergies will help drive top-line growth.',
  },
  {
    role: 'system',
    name: 'example_assistant',
    content: 'Things working well together will increase revenue.',
  },
  {
    role: 'system',
    name: 'example_user',
    content:
      "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
  },
  {
    role: 'system',
    name: 'example_assistant',
    content: "Let's talk later when we're less busy about how to do better.",
  },
  {
    role: 'user',
    content:
      "This late pivot means we don't have time to boil the ocean for the client deliverable.",
  },
]

test("the cookbook's conversation costs what the API reported, framing being a formula", () => {
  for (const [model, tokens] of [
    ['gpt-3.5-turbo', 129],
    ['gpt-4-0613', 129],
    ['gpt-4o', 124],
    ['gpt-4o-mini', 124],
  ] as const) {
    const result = count('chat', model, { model, messages: jargon })
    assert.equal(result.tokens, tokens, model)
    assert.equal(result.exactness, 'formula')
    assert.equal(partsOf(result, 'text')[0]?.exactness, 'exact')
  }
  assert.equal(count('chat', 'gpt-5', { messages: jargon }).exactness, 'estimate')
})

/** Cookbook, section 7. */
const weatherMessages = [
  {
    role: 'system',
    content: 'You are a helpful assistant that can answer to questions about the weather.',
  },
  { role: 'user', content: "What's the weather like in San Francisco?" },
]

test("the cookbook's tools cost what the API reported", () => {
  const body = { messages: weatherMessages, tools: [weatherTool] }
  for (const model of ['gpt-4o', 'gpt-4o-mini']) {
    const result = count('chat', model, body)
    assert.equal(result.tokens, 101, model)
    assert.equal(result.exactness, 'formula')
  }
  for (const model of ['gpt-3.5-turbo', 'gpt-4']) {
    assert.equal(count('chat', model, body).tokens, 105, model)
  }
})

/** Counts the API reported for gpt-3.5-turbo: github.com/hmarr/openai-chat-tokens, its tests. */
const foo = { name: 'foo', parameters: { type: 'object', properties: {} } }
const bing = { name: 'bing_bong', description: 'Do a bing bong' }
const stuff = { name: 'do_stuff', parameters: { type: 'object', properties: {} } }
const recorded: readonly (readonly [tokens: number, body: unknown])[] = [
  [31, { messages: hello, functions: [foo] }],
  [32, { messages: hello, functions: [foo], function_call: 'none' }],
  [31, { messages: hello, functions: [foo], function_call: 'auto' }],
  [36, { messages: hello, functions: [foo], function_call: { name: 'foo' } }],
  [36, { messages: hello, functions: [{ ...foo, description: 'Do a foo' }] }],
  [
    57,
    {
      messages: hello,
      functions: [
        {
          ...bing,
          parameters: {
            type: 'object',
            properties: {
              foo: { type: 'string' },
              bar: { type: 'number', description: 'A number' },
            },
          },
        },
      ],
    },
  ],
  [
    68,
    {
      messages: hello,
      functions: [
        {
          ...bing,
          parameters: {
            type: 'object',
            properties: {
              foo: {
                type: 'object',
                properties: {
                  bar: { type: 'string', enum: ['a', 'b', 'c'] },
                  baz: { type: 'boolean' },
                },
              },
            },
          },
        },
      ],
    },
  ],
  [
    28,
    {
      messages: [
        { role: 'user', content: 'hello world' },
        { role: 'function', name: 'do_stuff', content: '{"foo": "bar", "baz": 1.5}' },
      ],
    },
  ],
  [
    26,
    {
      messages: [
        {
          role: 'assistant',
          content: '',
          function_call: { name: 'do_stuff', arguments: '{"foo": "bar", "baz": 1.5}' },
        },
      ],
    },
  ],
  [
    35,
    {
      messages: [
        { role: 'system', content: 'Hello:' },
        { role: 'user', content: 'Hi there' },
      ],
      functions: [stuff],
    },
  ],
  [
    49,
    {
      messages: [
        { role: 'system', content: 'Hello:' },
        { role: 'system', content: 'Hello' },
        { role: 'user', content: 'Hi there' },
      ],
      functions: [stuff, { ...stuff, name: 'do_other_stuff' }],
    },
  ],
  [
    35,
    {
      messages: [
        { role: 'system', content: 'Hello' },
        { role: 'user', content: 'Hi there' },
      ],
      functions: [stuff],
    },
  ],
]

test('functions and calls cost what the API was recorded to report', () => {
  for (const [tokens, body] of recorded) {
    assert.equal(count('chat', 'gpt-3.5-turbo', body).tokens, tokens, JSON.stringify(body))
  }
})

test('what the rule for tools does not read is added as an estimate', () => {
  const nested = structuredClone(weatherTool)
  Object.assign(nested.function.parameters.properties.location, { items: { type: 'string' } })
  const flat = count('chat', 'gpt-4o', { messages: hello, tools: [weatherTool] })
  const deep = count('chat', 'gpt-4o', { messages: hello, tools: [nested] })
  assert.ok(deep.tokens > flat.tokens)
  assert.equal(deep.exactness, 'estimate')
})

test('a tool costs an OpenAI model the same in the words of every dialect', () => {
  const { name, description, parameters } = weatherTool.function
  const forms = [
    weatherTool,
    { type: 'function', name, description, parameters },
    { name, description, input_schema: parameters },
    { type: 'custom', name, description, input_schema: parameters },
  ]
  for (const model of ['gpt-4', 'gpt-4o']) {
    const counts = forms.map((tool) => count('chat', model, { messages: hello, tools: [tool] }))
    assert.equal(new Set(counts.map((one) => one.tokens)).size, 1, model)
    assert.ok(counts.every((one) => one.exactness === 'formula'))
  }
})

test('schemas that are no schemas, and references, are added as an estimate', () => {
  const plain = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } }
  const strange = [
    { type: 'function', function: { name: 'f', parameters: 'a very long text indeed' } },
    { type: 'function', function: { name: 'f', parameters: { $defs: { a: { type: 'string' } } } } },
    { type: 'web_search', user_location: { city: 'Berlin' } },
    'search',
  ]
  for (const model of ['gpt-4', 'gpt-4o', 'claude-opus-5', 'qwen3-8b']) {
    for (const tool of strange) {
      const one = count('chat', model, { messages: hello, tools: [plain] })
      const both = count('chat', model, { messages: hello, tools: [plain, tool] })
      assert.ok(both.tokens > one.tokens, JSON.stringify(tool))
      assert.equal(both.exactness, 'estimate')
    }
  }
})

test('the full stop of a description does not reach a gpt-4o model', () => {
  const stopped = structuredClone(weatherTool)
  stopped.function.description += '.'
  stopped.function.parameters.properties.unit.description += '.'
  assert.deepEqual(
    count('chat', 'gpt-4o', { messages: hello, tools: [stopped] }),
    count('chat', 'gpt-4o', { messages: hello, tools: [weatherTool] }),
  )
})
