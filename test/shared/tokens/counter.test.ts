import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { countTokens } from 'gpt-tokenizer/model/gpt-4o'
import { Counter, type InputCount } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'

const encodings = () => new Encodings(() => assert.fail('no encoding is missing'))
const counter = () => new Counter(setImmediate, encodings())

function chat(content: string, model = 'gpt-4o') {
  const body = { model, messages: [{ role: 'user', content }] }
  return { dialect: 'chat', model, body, isWanted: () => true } as const
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
