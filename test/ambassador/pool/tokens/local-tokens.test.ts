import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EncodeThread } from '#ambassador/pool/tokens/encode-thread.ts'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import { LocalTokens } from '#ambassador/pool/tokens/local-tokens.ts'
import type { ChatFacts } from '#ambassador/pool/tokens/prompt-facts.ts'
import { type ApartEncoder, SegmentIds } from '#ambassador/pool/tokens/segment-ids.ts'
import { openSegments, type SegmentEncoder } from '#shared/tokens/hugging-face/segments.ts'
import { anyText } from '../../../shared/tokens/hugging-face/texts.ts'
import { modelFiles, serverIds } from './model.ts'

const files = modelFiles()
const manner = { format: 'string', before: new Uint32Array(0) } as const

/** What was encoded, here and apart. */
interface Work {
  readonly here: string[]
  readonly apart: string[]
}

function setUp(encodeApart?: ApartEncoder['encode'], cacheBytesMax = 1_000_000) {
  const work: Work = { here: [], apart: [] }
  const inner = openSegments(files.table.table)
  const encoder: SegmentEncoder = {
    ...inner,
    encode(text, isStart) {
      work.here.push(text)
      return inner.encode(text, isStart)
    },
  }
  const apart: ApartEncoder = {
    async encode(texts) {
      work.apart.push(...texts.map(({ text }) => text))
      const encode = () => texts.map(({ text, isStart }) => inner.encode(text, isStart))
      return encodeApart === undefined ? encode() : encodeApart(texts)
    },
  }
  const segments = new SegmentIds({ encoder, apart, cacheBytesMax })
  const local = new LocalTokens({ segments, template: files.template, tokens: files.tokens })
  return { local, work, segments }
}

function chat(messages: readonly Json[], more: Partial<ChatFacts> = {}): ChatFacts {
  return {
    kind: 'chat',
    messages,
    tools: undefined,
    templateOptions: {},
    addsGenerationPrompt: true,
    continuesLast: false,
    addsSpecialTokens: false,
    ...more,
  }
}

const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'system'),
  content: anyText,
})

test('a conversation has the tokens that a server makes of it, new or seen', () => {
  const { local } = setUp()
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      const expected = serverIds({ messages })
      for (let turn = 0; turn < 2; turn++) {
        assert.deepEqual([...idsNow(local.idsOf(chat(messages), manner))], expected)
      }
    }),
    { numRuns: 100 },
  )
})

test('tokens of a conversation are the beginning of those of one that grows', () => {
  const { local } = setUp()
  const without = { addsGenerationPrompt: false }
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
      const all = idsNow(local.idsOf(chat(messages, without), manner))
      const earlier = idsNow(local.idsOf(chat(messages.slice(0, -1), without), manner))
      assert.deepEqual(all.slice(0, earlier.length), earlier)
    }),
    { numRuns: 100 },
  )
})

test('a prompt with the ids of its answer behind is the beginning of the next turn', () => {
  const { local } = setUp()
  const asked = [{ role: 'user', content: 'tell me a tale' }]
  const content = 'There was a king, and he had a cat that could read.'
  const added = local.textIds(content)
  const grown = [...idsNow(local.idsOf(chat(asked), manner)), ...(added ?? [])]
  const next = [...asked, { role: 'assistant', content }, { role: 'user', content: 'go on' }]
  assert.ok((added?.length ?? 0) > 8)
  assert.deepEqual([...idsNow(local.idsOf(chat(next), manner))].slice(0, grown.length), grown)
  assert.equal(local.textIds('word '.repeat(10_000)), undefined)
})

test('a turn encodes what is new in it', () => {
  const { local, work } = setUp()
  const said = (word: string) => ({ role: 'user', content: `${word} of the lazy dogs over there` })
  const first = [said('one'), said('two'), said('three')]
  void local.idsOf(chat(first), manner)
  work.here.length = 0
  const ids = idsNow(local.idsOf(chat([...first, said('four')]), manner))
  assert.deepEqual(
    work.here.filter((text) => text.length > 12),
    ['user\nfour of the lazy dogs over there'],
  )
  assert.deepEqual([...ids], serverIds({ messages: [...first, said('four')] }))
})

const long = 'Быстрая fox 123, '.repeat(3_000)

test('much new text is encoded by the thread, and by this one never', async () => {
  const thread = new EncodeThread(files.table.bytes)
  const { local, work } = setUp((texts) => thread.encode(texts))
  const messages = [
    { role: 'user', content: long },
    { role: 'assistant', content: 'short but not so short' },
    { role: 'user', content: `${long}!` },
  ]
  const found = local.idsOf(chat(messages), manner)
  assert.ok(found instanceof Promise)
  assert.deepEqual([...(await found)], serverIds({ messages }))
  assert.ok(work.here.every((text) => text.length <= 12))
  assert.ok(!(local.idsOf(chat(messages), manner) instanceof Promise))
  thread.close()
})

test('a burst of equal prompts is encoded once', async () => {
  const { local, work } = setUp()
  const ask = () => local.idsOf(chat([{ role: 'user', content: long }]), manner)
  const [one, other] = await Promise.all([ask(), ask()])
  assert.deepEqual(one, other)
  assert.equal(work.apart.length, new Set(work.apart).size)
})

test('what the thread could not encode is tried again by the next prompt', async () => {
  let isGone = true
  const inner = openSegments(files.table.table)
  const { local } = setUp(async (texts) => {
    if (isGone) throw new Error('gone')
    return texts.map(({ text, isStart }) => inner.encode(text, isStart))
  })
  const ask = () => local.idsOf(chat([{ role: 'user', content: long }]), manner)
  await assert.rejects(async () => ask(), /gone/)
  isGone = false
  assert.deepEqual([...(await ask())], serverIds({ messages: [{ role: 'user', content: long }] }))
})

test('a thread that cannot begin refuses, and is not begun for ever', async () => {
  const thread = new EncodeThread(new ArrayBuffer(8))
  for (let turn = 0; turn < 4; turn++) {
    await assert.rejects(thread.encode([{ text: 'a', isStart: true }]), { code: 'overloaded' })
  }
  thread.close()
})

test('a closed thread refuses what waits and what comes', async () => {
  const thread = new EncodeThread(files.table.bytes)
  const waiting = thread.encode([{ text: 'a', isStart: true }])
  const refused = assert.rejects(waiting, { code: 'overloaded' })
  thread.close()
  await refused
  await assert.rejects(thread.encode([{ text: 'a', isStart: true }]), { code: 'overloaded' })
})

test('a plain prompt begins with what the server puts before it', () => {
  const { local } = setUp()
  const before = Uint32Array.of(9)
  const ids = (addsSpecialTokens: boolean) => {
    const facts = { kind: 'text', text: 'the lazy dogs', addsSpecialTokens } as const
    return [...idsNow(local.idsOf(facts, { ...manner, before }))]
  }
  assert.deepEqual(ids(false), serverIds({ prompt: 'the lazy dogs' }))
  assert.deepEqual(ids(true), [9, ...ids(false)])
})

test('the memory of ids keeps to its bound', () => {
  const { segments, work } = setUp(undefined, 100_000)
  const texts = Array.from(
    { length: 400 },
    (_, at) => `${at} ${'the lazy dogs and the fox '.repeat(40)}`,
  )
  for (const text of texts) void segments.idsOf(text)
  work.here.length = 0
  void segments.idsOf(texts[399] ?? '')
  assert.equal(work.here.length, 0)
  void segments.idsOf(texts[0] ?? '')
  assert.equal(work.here.length, 1)
})

function idsNow(ids: Uint32Array | Promise<Uint32Array>): Uint32Array {
  assert.ok(ids instanceof Uint32Array)
  return ids
}
