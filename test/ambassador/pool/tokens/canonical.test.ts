import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerWords, byteIds } from '#ambassador/pool/tokens/canonical.ts'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import { readPrompt } from '#ambassador/pool/tokens/prompt-facts.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'

function bytesOf(body: unknown, dialect: Dialect = 'chat', indent = 0) {
  const facts = readPrompt(dialect, Buffer.from(JSON.stringify(body, undefined, indent)))
  assert.ok(facts !== undefined)
  return byteIds(facts)
}

/** The same value with the members of its objects in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, turned(member)]),
  )
}

const message = fc.oneof(
  fc.record({
    role: fc.constantFrom('user', 'system', 'assistant'),
    content: fc.string({ unit: 'binary' }),
  }),
  fc.record({
    role: fc.constant('user'),
    content: fc.array(fc.record({ type: fc.constant('text'), text: fc.string() }), {
      maxLength: 3,
    }),
  }),
  fc.record({
    role: fc.constant('assistant'),
    content: fc.constant(null),
    tool_calls: fc.array(
      fc.record({
        id: fc.string(),
        type: fc.constant('function'),
        function: fc.record({ name: fc.string(), arguments: fc.json() }),
      }),
      { maxLength: 2 },
    ),
  }),
)
const body = fc.record({
  model: fc.constant('m'),
  tools: fc.array(
    fc.record({ function: fc.record({ name: fc.string(), parameters: fc.jsonValue() }) }),
  ),
  messages: fc.array(message, { maxLength: 6 }),
})

for (const dialect of ['chat', 'messages'] as const) {
  test(`${dialect}: bytes do not depend on how the JSON is written`, () => {
    fc.assert(
      fc.property(body, fc.integer({ min: 0, max: 4 }), (question, indent) => {
        assert.deepEqual(
          bytesOf(turned(question), dialect, indent).ids,
          bytesOf(question, dialect).ids,
        )
      }),
    )
  })

  test(`${dialect}: a conversation that grows keeps its beginning`, () => {
    fc.assert(
      fc.property(body, fc.array(message, { minLength: 1, maxLength: 3 }), (question, more) => {
        const { ids } = bytesOf(question, dialect)
        const grown = bytesOf({ ...question, messages: [...question.messages, ...more] }, dialect)
        // The last word may hold the first bytes of what follows.
        const whole = Math.max(0, ids.length - 1)
        assert.deepEqual(grown.ids.slice(0, whole), ids.slice(0, whole))
      }),
    )
  })
}

test('a text in one part is that text, and other texts are others', () => {
  const ask = (content: unknown) => bytesOf({ messages: [{ role: 'user', content }] }).ids
  assert.deepEqual(ask([{ type: 'text', text: 'hello there' }]), ask('hello there'))
  assert.notDeepEqual(ask('hello there'), ask('hello here'))
})

test('four bytes are one word, of any script', () => {
  const { ids, kind } = bytesOf({ prompt: 'abcdé' }, 'completions')
  assert.equal(kind, 'bytes')
  assert.deepEqual([...ids], [0x64636261, 0xa9c3])
})

test('media are told by their address or data, at their place', () => {
  const ask = (url: string) =>
    bytesOf({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is on this picture, which I took at home?' },
            { type: 'image_url', image_url: { url } },
            { type: 'text', text: 'Tell me.' },
          ],
        },
      ],
    })
  const cat = ask('data:image/png;base64,AAAA')
  const dog = ask('data:image/png;base64,AAAB')
  assert.equal(cat.media.length, 1)
  const [first] = cat.media
  assert.ok(first !== undefined && first.at > 11 && first.at < cat.ids.length)
  assert.match(first.identifier, /^[0-9a-f]{32}$/)
  assert.notEqual(first.identifier, dog.media[0]?.identifier)
  assert.deepEqual(cat.ids.slice(0, first.at), dog.ids.slice(0, first.at))
  assert.notDeepEqual(cat.ids, dog.ids)
})

test('marks for a provider’s cache change nothing', () => {
  const ask = (mark: Json) =>
    bytesOf(
      {
        system: [{ type: 'text', text: 'Be brief.', ...mark }],
        messages: [
          { role: 'user', content: [{ type: 'tool_use', id: 'a', name: 'b', input: {}, ...mark }] },
        ],
      },
      'messages',
    ).ids
  assert.deepEqual(ask({ cache_control: { type: 'ephemeral' } }), ask({}))
})

test('responses: the next turn begins with the question and its answer, however a client sends them back', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 })
  const more = fc.constantFrom({}, { id: 'msg_1', status: 'completed', type: 'message' })
  const told = fc.constantFrom({}, { annotations: [], logprobs: [] })
  fc.assert(
    fc.property(text, text, more, told, (asked, answer, ofItem, ofPart) => {
      const question = bytesOf({ instructions: 'be brief', input: asked }, 'responses')
      const said = { type: 'output_text', text: answer, ...ofPart }
      const input = [
        { role: 'user', content: [{ type: 'input_text', text: asked }] },
        { role: 'assistant', content: [said], ...ofItem },
        { role: 'user', content: 'and then?' },
      ]
      const next = bytesOf({ instructions: 'be brief', input }, 'responses')
      const full = question.bytes >>> 2
      const grown = [...question.ids.subarray(0, full), ...answerWords(question, answer)]
      assert.deepEqual([...next.ids.subarray(0, grown.length)], grown)
    }),
  )
})
