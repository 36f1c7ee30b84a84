import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import type { ChatFacts } from '#ambassador/pool/tokens/prompt-facts.ts'
import { exactIds, type PromptIds } from '#ambassador/pool/tokens/prompt-ids.ts'
import type { TierChoice } from '#ambassador/pool/tokens/prompt-tokens.ts'
import { startTokens } from '#ambassador/pool/tokens/start-tokens.ts'
import type { Tokenize } from '#ambassador/pool/tokens/tokenize.ts'
import { manualClock } from '../../../manual-clock.ts'
import { added } from '../../../shared/tokens/hugging-face/files.ts'
import { modelFiles, obligingReplica, serverIds, tokenizerFile } from './model.ts'

const messages = [{ role: 'user', content: 'How many lazy dogs?' }]

function chat(given: readonly Json[] = messages): ChatFacts {
  return {
    kind: 'chat',
    messages: given,
    tools: undefined,
    templateOptions: {},
    addsGenerationPrompt: true,
    continuesLast: false,
    addsSpecialTokens: false,
  }
}

interface SetUp {
  readonly choice?: TierChoice
  readonly tokenize?: Tokenize
  readonly files?: ReturnType<typeof modelFiles> | undefined
}

function setUp(t: TestContext, { choice = 'auto', tokenize, files }: SetUp) {
  const clock = manualClock()
  const changes = { count: 0 }
  const { tokens, close } = startTokens({
    clock,
    choice,
    model: 'm',
    files,
    tokenize: tokenize ?? obligingReplica().tokenize,
    replicas: () => ['http://a:1'],
    onChange: () => {
      changes.count++
    },
  })
  t.after(close)
  return { tokens, clock, changes }
}

const gone: Tokenize = () => Promise.reject(new Error('gone'))

test('local tokens are used once a replica has confirmed them, and at once', async (t) => {
  const { tokens, changes } = setUp(t, { files: modelFiles() })
  assert.deepEqual(tokens.view, { chat: 'remote', tools: 'remote', text: 'remote', reasons: [] })
  await tokens.seen('http://a:1', 'v1')
  assert.deepEqual(tokens.view, { chat: 'local', tools: 'local', text: 'local', reasons: [] })
  assert.equal(changes.count, 1)
  const ids = now(tokens.idsOf(chat()))
  assert.equal(ids.kind, 'exact')
  assert.deepEqual([...ids.ids], serverIds({ messages }))
})

test('local tokens that differ leave it to the replicas, and say where', async (t) => {
  const other = { ...tokenizerFile, added_tokens: [added('<|im_start|>', 5001)] }
  const { tokens } = setUp(t, { files: modelFiles(other) })
  await tokens.seen('http://a:1', 'v1')
  assert.equal(tokens.view.chat, 'remote')
  assert.match(tokens.view.reasons.join(), /"a question": token/)
  assert.deepEqual([...(await tokens.idsOf(chat())).ids], serverIds({ messages }))
})

test('another version is compared anew, the same one is not', async (t) => {
  const { tokenize, asks } = obligingReplica()
  const { tokens } = setUp(t, { files: modelFiles(), tokenize })
  await tokens.seen('http://a:1', 'v1')
  const { length } = asks
  await tokens.seen('http://b:1', 'v1')
  assert.equal(asks.length, length)
  await tokens.seen('http://b:1', 'v2')
  assert.ok(asks.length >= length * 2 - 10)
})

test('a replica that does not answer is asked later, and its trouble is told', async (t) => {
  const oblige = obligingReplica().tokenize
  let isGone = true
  const tokenize: Tokenize = (origin, question) =>
    isGone ? gone(origin, question) : oblige(origin, question)
  const { tokens, clock } = setUp(t, { files: modelFiles(), tokenize })
  await tokens.seen('http://a:1', 'v1')
  assert.deepEqual(tokens.view.reasons, ['gone'])
  assert.equal((await tokens.idsOf(chat())).kind, 'bytes')
  isGone = false
  clock.advance(5_000)
  for (let turn = 0; turn < 20; turn++) await setImmediate()
  assert.deepEqual(tokens.view, { chat: 'local', tools: 'local', text: 'local', reasons: [] })
})

test('each choice keeps to itself', async (t) => {
  const tier = async (choice: TierChoice) => {
    const { tokens } = setUp(t, { files: modelFiles(), choice })
    await tokens.seen('http://a:1', 'v1')
    return tokens.view.chat
  }
  assert.equal(await tier('auto'), 'local')
  assert.equal(await tier('local'), 'local')
  assert.equal(await tier('remote'), 'remote')
  assert.equal(await tier('bytes'), 'bytes')
  const { tokens } = setUp(t, { files: modelFiles(), choice: 'local', tokenize: gone })
  assert.equal(tokens.view.chat, 'local')
  assert.equal(now(tokens.idsOf(chat())).kind, 'exact')
  assert.equal(setUp(t, {}).tokens.view.chat, 'remote')
  assert.equal(setUp(t, { choice: 'local' }).tokens.view.chat, 'bytes')
})

test('a call waits for its tokens no longer than the limit, and they are told later', async (t) => {
  let answer = () => {}
  const tokenize: Tokenize = () =>
    new Promise((resolve) => {
      answer = () => resolve(Uint32Array.of(1, 2))
    })
  const { tokens, clock } = setUp(t, { tokenize })
  const late: PromptIds[] = []
  const asking = tokens.idsOf(chat(), (ids) => late.push(ids))
  clock.advance(50)
  assert.equal((await asking).kind, 'bytes')
  assert.equal(clock.pending(), 0)
  answer()
  await setImmediate()
  assert.deepEqual(
    late.map(({ kind, ids }) => [kind, ...ids]),
    [['exact', 1, 2]],
  )
  assert.equal(now(tokens.idsOf(chat())).kind, 'exact')
})

test('after some late answers nobody waits, until one is in time', async (t) => {
  const answers: (() => void)[] = []
  const tokenize: Tokenize = () =>
    new Promise((resolve) => {
      answers.push(() => resolve(Uint32Array.of(1)))
    })
  const { tokens, clock } = setUp(t, { tokenize })
  const ask = (word: string) => tokens.idsOf(chat([{ role: 'user', content: word }]))
  for (const word of ['a', 'b', 'c']) {
    const asking = ask(word)
    await setImmediate()
    clock.advance(51)
    answers.pop()?.()
    assert.equal((await asking).kind, 'bytes')
    await setImmediate()
  }
  assert.equal(now(ask('d')).kind, 'bytes')
  await setImmediate()
  answers.pop()?.()
  await setImmediate()
  const asking = ask('e')
  assert.ok(asking instanceof Promise)
  await setImmediate()
  answers.pop()?.()
  assert.equal((await asking).kind, 'exact')
})

test('no trouble of a tokenizer is one of the call', async (t) => {
  const troubles: Tokenize[] = [gone, async () => undefined, () => new Promise(() => {})]
  for (const tokenize of troubles) {
    const { tokens, clock } = setUp(t, { tokenize })
    const asking = tokens.idsOf(chat())
    await setImmediate()
    clock.advance(50)
    assert.equal((await asking).kind, 'bytes')
    assert.equal(clock.pending(), 0)
  }
})

test('a prompt that the template refuses is told by its bytes', async (t) => {
  const { tokens } = setUp(t, { files: modelFiles(), choice: 'local' })
  assert.equal(now(tokens.idsOf(chat([{ role: 'nobody', content: 'a' }]))).kind, 'bytes')
  const call = { function: { name: 'f', arguments: '{' } }
  const broken = [{ role: 'assistant', content: '', tool_calls: [call] }]
  assert.equal(now(tokens.idsOf(chat(broken))).kind, 'bytes')
})

test('tokens whose number is often wrong are used no more until another version', async (t) => {
  const { tokens } = setUp(t, { files: modelFiles() })
  await tokens.seen('http://a:1', 'v1')
  const ids = now(tokens.idsOf(chat()))
  for (let turn = 0; turn < 100; turn++)
    tokens.confirm(ids, ids.ids.length + Number(turn % 10 === 0))
  assert.equal(tokens.view.chat, 'local')
  for (let turn = 0; turn < 10; turn++) tokens.confirm(ids, ids.ids.length + 1)
  assert.equal(tokens.view.chat, 'bytes')
  assert.match(tokens.view.reasons.join(), /counted other numbers/)
  await tokens.seen('http://a:1', 'v2')
  assert.equal(tokens.view.chat, 'local')
})

test('ids of the caller are its tokens', (t) => {
  const { tokens } = setUp(t, { choice: 'bytes' })
  const ids = Uint32Array.of(1, 2, 3)
  assert.deepEqual(now(tokens.idsOf({ kind: 'ids', ids })), exactIds(ids))
})

function now(ids: PromptIds | Promise<PromptIds>): PromptIds {
  assert.ok(!(ids instanceof Promise))
  return ids
}
