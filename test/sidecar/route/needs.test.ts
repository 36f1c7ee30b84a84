import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilityNames } from '#shared/config/target-schema.ts'
import { missing, needsOf, usedBy } from '../../../sidecar/route/needs.ts'
import { membersOf } from '../sidecar-call.ts'
import { entriesOf } from './models.ts'

const question = (body: object | string) => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return { body: bytes, values: membersOf(bytes) }
}

const used = (body: object | string) => [...usedBy(question(body), capabilityNames)]

const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] })
const data = 'data:image/png;base64,AAAA'

/** Bodies as the documentation of each dialect shows them. */
const shapes = {
  chat: {
    tools: { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] },
    functions: { functions: [{ name: 'f', parameters: {} }] },
    images: user({ type: 'text', text: 'what?' }, { type: 'image_url', image_url: { url: data } }),
    audio: user({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
    documents: user({ type: 'file', file: { file_id: 'file-1' } }),
    'json-schema': {
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } },
    },
  },
  messages: {
    tools: { tools: [{ name: 'f', input_schema: { type: 'object' } }] },
    images: user({ type: 'image', source: { type: 'base64', data: 'AAAA' } }),
    documents: user({ type: 'document', source: { type: 'url', url: 'https://x/y.pdf' } }),
    'json-schema': { output_config: { format: { type: 'json_schema', schema: {} } } },
    'json-schema of the beta': { output_format: { type: 'json_schema', schema: {} } },
    'images of a tool': user({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'image', source: { type: 'url', url: 'https://x/y.png' } }],
    }),
  },
  responses: {
    tools: { input: 'x', tools: [{ type: 'function', name: 'f', parameters: {} }] },
    images: { input: [{ role: 'user', content: [{ type: 'input_image', image_url: data }] }] },
    'images of a computer': {
      input: [
        { type: 'computer_call_output', output: { type: 'computer_screenshot', file_id: 'f' } },
      ],
    },
    documents: { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] },
    'json-schema': { input: 'x', text: { format: { type: 'json_schema', name: 'x', schema: {} } } },
  },
} as const

const capability = (name: string) =>
  name === 'functions' ? 'tools' : (capabilityNames.find((known) => name.startsWith(known)) ?? '')

for (const [dialect, bodies] of Object.entries(shapes)) {
  for (const [name, body] of Object.entries(bodies)) {
    test(`${name} of ${dialect} are found, packed or spaced out`, () => {
      assert.deepEqual(used(body), [capability(name)])
      assert.deepEqual(used(JSON.stringify(body, null, 2).replaceAll(':', ' :\n\t')), [
        capability(name),
      ])
    })
  }
}

test('a plain question needs nothing', () => {
  assert.deepEqual(used({ messages: [{ role: 'user', content: 'hello' }] }), [])
  assert.deepEqual(
    used({ tools: [], functions: null, response_format: { type: 'json_object' } }),
    [],
  )
  assert.deepEqual(used('{"tools": [ ]}'), [])
  assert.deepEqual(used({ input: 'x', text: { format: { type: 'text' }, verbosity: 'low' } }), [])
})

test('words inside of texts do not count', () => {
  for (const content of [
    'image_url',
    '"type":"image_url"',
    '{"type": "document"}',
    '"tools":[1]',
  ]) {
    assert.deepEqual(used({ messages: [{ role: 'user', content }] }), [])
  }
})

test('names of parameters and of arguments do not count', () => {
  const properties = { image: { type: 'string' }, file: {}, document: {}, input_audio: {} }
  const parameters = { type: 'object', properties, required: Object.keys(properties) }
  const tools = [{ type: 'function', function: { name: 'image', parameters } }]
  assert.deepEqual(used({ tools, messages: [] }), ['tools'])
  const call = {
    type: 'tool_use',
    id: 't',
    name: 'file',
    input: { file: 'document', kind: 'image' },
  }
  assert.deepEqual(used(user(call)), [])
})

test('members count at the top of the body only', () => {
  assert.deepEqual(used({ metadata: { tools: [1], response_format: { type: 'json_schema' } } }), [])
})

test('a body that is broken inside needs nothing that can be seen', () => {
  assert.deepEqual(used('{"tools":[1'), [])
  assert.deepEqual(used(''), [])
})

test('needs are looked for only where targets differ in them', () => {
  const asked = question(shapes.chat.tools)
  const plain = entriesOf({ provider: 'a', model: 'x' })
  assert.equal(needsOf(asked, plain).size, 0)
  const declared = entriesOf({ split: [{ provider: 'a', model: 'x', capabilities: [] }] })
  assert.deepEqual([...needsOf(asked, declared)], ['tools'])
})

test('a target that declares nothing can do everything', () => {
  const [one, other] = entriesOf({
    split: [
      { provider: 'a', model: 'x' },
      { provider: 'b', model: 'x', capabilities: ['images'] },
    ],
  }).flatMap((entry) => (entry.choose === 'refuse' ? [] : entry.targets))
  assert.ok(one !== undefined && other !== undefined)
  const needs = new Set(['images', 'tools'] as const)
  assert.deepEqual([missing(needs, one), missing(needs, other)], [[], ['tools']])
})
