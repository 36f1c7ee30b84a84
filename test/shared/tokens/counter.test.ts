import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { countTokens } from 'gpt-tokenizer/model/gpt-4o'
import { Counter, type InputCount } from '#shared/tokens/counter.ts'
import { type Encoding, loadEncoding } from '#shared/tokens/encoding.ts'
import { Encodings } from '#shared/tokens/encodings.ts'

const encodings = () => new Encodings(() => assert.fail('no encoding is missing'))
const counter = () => new Counter(setImmediate, encodings())

function questionOf(parsed: unknown, model = 'gpt-4o') {
  const body = { parsed, size: JSON.stringify(parsed).length }
  return { dialect: 'chat', model, body, isWanted: () => true } as const
}

function chat(content: string, model = 'gpt-4o') {
  const body = { model, messages: [{ role: 'user', content }] }
  return questionOf(body, model)
}

/** Prose that does not repeat itself. */
function prose(words: number): string {
  return Array.from({ length: words }, (_, at) => `word${at * 7919}`).join(' ')
}

async function counted(by: Counter, content: string): Promise<InputCount | undefined> {
  return by.count(chat(content))
}

test('a question counts as an independent tokenizer with the published frames has it', async () => {
  const content = 'Say hello to the world, 世界, and 👩‍👩‍👧.'
  const expected = countTokens([{ role: 'user', content }])
  assert.deepEqual(await counted(counter(), content), { tokens: expected, exactness: 'formula' })
})

test('a long text is counted beside other work, the same text at once afterwards', async () => {
  const own = counter()
  await counted(own, 'load the encoding')
  const content = prose(40_000)
  const first = own.count(chat(content))
  assert.ok(first instanceof Promise)
  const again = await first.then(() => own.count(chat(content)))
  assert.ok(!(again instanceof Promise))
  assert.deepEqual(again, await first)
  assert.equal(again?.tokens, countTokens([{ role: 'user', content }]))
})

test('a caller that left is counted no further', async () => {
  const own = counter()
  await counted(own, 'load the encoding')
  let isWanted = true
  const count = own.count({ ...chat(prose(40_000)), isWanted: () => isWanted })
  isWanted = false
  assert.equal(await count, undefined)
})

test('beyond what may wait there is no count', async () => {
  const own = counter()
  await counted(own, 'load the encoding')
  const counts = await Promise.all(
    Array.from({ length: 70 }, (_, at) => counted(own, `${at} ${prose(3_000)}`)),
  )
  assert.deepEqual(
    counts.map((count) => count !== undefined),
    counts.map((_, at) => at < 64),
  )
  assert.ok((await counted(own, 'there is room again')) !== undefined)
})

test('a model without a tokenizer is estimated at once, and never as nothing', () => {
  for (const model of ['claude-opus-4-1', 'llama-3-8b', 'what-nobody-knows']) {
    const count = counter().count(chat('hello', model))
    assert.ok(!(count instanceof Promise))
    assert.ok(count.tokens > 1 && count.exactness === 'estimate', model)
  }
})

/** The same question in bytes, as a large body comes. */
function inBytes(text: string) {
  return { ...chat(''), body: { bytes: Buffer.from(text) } }
}

test('a large body counts as a parsed one', async () => {
  const url = `data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAMAAAAE${'A'.repeat(100_000)}`
  const messages = [
    { role: 'system', content: prose(20_000) },
    ...Array.from({ length: 3_000 }, (_, at) => ({ role: 'user', content: `hello ${at} "you"\n` })),
    { role: 'user', content: [{ type: 'image_url', image_url: { url, detail: 'high' } }] },
    { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: prose(9_000) } }] },
  ]
  const tools = Array.from({ length: 1_000 }, (_, at) => ({
    type: 'function',
    function: { name: `f${at}`, parameters: { type: 'object', properties: { a: {} } } },
  }))
  const own = counter()
  const parsed = {
    model: 'gpt-4o',
    messages,
    tools,
    user: 'someone',
    metadata: { a: prose(20_000) },
  }
  const expected = await own.count(questionOf(parsed))
  assert.ok(expected !== undefined)
  assert.deepEqual(await own.count(inBytes(JSON.stringify(parsed, undefined, 1))), expected)
})

test('a large body that is no JSON has no count', async () => {
  const own = counter()
  for (const text of ['', '[]', '{"messages":[{]}', '{"messages":[1,2', '{"a" 1}']) {
    assert.equal(await own.count(inBytes(text)), undefined, text)
  }
  const escape = JSON.stringify({ messages: [{ content: prose(20_000) }] })
  assert.equal(await own.count(inBytes(escape.replace('word7919 ', '\\x'))), undefined)
})

test('beyond 8 MiB of text the rest is estimated by the ratio of what was counted', async () => {
  const line = 'Some prose with words and no escapes in it. '
  const own = counter()
  const one = await own.count(chat(line.repeat(1_000)))
  const all = await own.count(
    inBytes(JSON.stringify({ messages: [{ role: 'user', content: line.repeat(400_000) }] })),
  )
  assert.ok(one !== undefined && all !== undefined)
  assert.equal(all.exactness, 'estimate')
  assert.ok(Math.abs(all.tokens / one.tokens / 400 - 1) < 0.01)
})

test('a question of very many parts lets other work run in between', async () => {
  let pauses = 0
  const pause = () => {
    pauses++
    return Promise.resolve()
  }
  const own = new Counter(pause, encodings())
  await own.count(chat('load the encoding'))
  const messages = Array.from({ length: 40_000 }, () => ({ role: 'user', content: 'hi' }))
  const first = own.count(questionOf({ messages }))
  assert.ok(first instanceof Promise)
  const expected = { tokens: 40_000 * 5 + 3, exactness: 'formula' }
  assert.deepEqual(await first, expected)
  assert.ok(pauses > 20)
})

test('a conversation of 100,000 tokens that came before is counted at once', async () => {
  const own = counter()
  const messages = Array.from({ length: 400 }, (_, at) => ({
    role: 'user',
    content: `${at} ${prose(100)}`,
  }))
  await own.count(questionOf({ messages }))
  const again = own.count(questionOf({ messages: [...messages, { role: 'user', content: 'hi' }] }))
  assert.ok(!(again instanceof Promise))
})

test('a question that waits for its tokenizer is bounded like one that waits for its turn', async () => {
  const own = counter()
  const size = 20 * 1024 * 1024
  const ask = () => own.count({ ...chat('hi'), body: { parsed: {}, size } })
  const counts = await Promise.all([ask(), ask()])
  assert.deepEqual(
    counts.map((count) => count !== undefined),
    [true, false],
  )
})

test('a text that is read in pieces counts as the whole does', async () => {
  const own = counter()
  const content = `${prose(120_000)} Привет, мир — 世界. ${prose(120_000)}`
  assert.ok(content.length > 2 * 1024 * 1024)
  const expected = (await loadEncoding('o200k_base')).count(content)
  const frames = (await own.count(chat('a')))?.tokens ?? 0
  const count = await own.count(
    inBytes(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] })),
  )
  assert.deepEqual(count, { tokens: expected + frames - 1, exactness: 'formula' })
})

/** The tokenizer of one file, whatever the model. */
class OfFile extends Encodings {
  readonly #encoding: Encoding

  constructor(encoding: Encoding) {
    super(() => {})
    this.#encoding = encoding
  }

  override find(): Encoding {
    return this.#encoding
  }
}

test("the tokenizer that a target names is taken for the model's own", async () => {
  const encoding = { ...(await loadEncoding('o200k_base')), name: 'of a file' }
  const own = new Counter(setImmediate, new OfFile(encoding))
  const asked = chat('hello', 'llama-3-8b')
  const named = await own.count({ ...asked, tokenizer: 'llama.json' })
  // Its frames are a published formula; its texts are exact.
  assert.equal(named?.exactness, 'formula')
  assert.equal((await own.count(asked))?.exactness, 'estimate')
})
