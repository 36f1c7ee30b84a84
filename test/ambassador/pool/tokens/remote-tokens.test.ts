import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AskTurns } from '#ambassador/pool/tokens/ask-turns.ts'
import { isList, type Json } from '#ambassador/pool/tokens/json.ts'
import { growthProbes } from '#ambassador/pool/tokens/probes.ts'
import type { ChatFacts } from '#ambassador/pool/tokens/prompt-facts.ts'
import { RemoteTokens } from '#ambassador/pool/tokens/remote-tokens.ts'
import type { Tokenize } from '#ambassador/pool/tokens/tokenize.ts'
import { manualClock } from '../../../manual-clock.ts'
import { obligingReplica, serverIds } from './model.ts'

const usual: ChatFacts = {
  kind: 'chat',
  messages: [],
  tools: undefined,
  templateOptions: {},
  addsGenerationPrompt: true,
  continuesLast: false,
  addsSpecialTokens: false,
}

function chat(messages: readonly Json[], more: Partial<ChatFacts> = {}): ChatFacts {
  return { ...usual, messages, ...more }
}

function setUp(tokenize: Tokenize, replicas: readonly string[] = ['http://a:1']) {
  const clock = manualClock()
  const turns = new AskTurns(clock, () => replicas)
  const remote = new RemoteTokens({ tokenize, turns, model: 'm', cacheBytesMax: 1_000_000 })
  return { remote, turns, clock }
}

async function learnAll(remote: RemoteTokens): Promise<void> {
  for (const { facts, seen } of growthProbes) await remote.learn(facts, seen)
}

const secret = 'what was said long ago, at length, and need not be sent again'
const question = { role: 'user', content: `${secret}?` }
const answer = { role: 'assistant', content: `So it was: ${secret}.` }
const next = { role: 'user', content: 'And today?' }

function said(asks: readonly Json[]): string {
  return JSON.stringify(asks)
}

test('a prompt that was asked for is not asked for again', async () => {
  const { tokenize, asks } = obligingReplica()
  const { remote } = setUp(tokenize)
  const first = await remote.idsOf(chat([question]))
  assert.deepEqual([...(first ?? [])], serverIds({ messages: [question] }))
  assert.deepEqual(remote.idsOf(chat([question])), first)
  assert.equal(asks.length, 1)
  assert.deepEqual(asks[0], { model: 'm', messages: [question], add_generation_prompt: true })
})

test('equal prompts at once are asked for once', async () => {
  const { tokenize, asks } = obligingReplica()
  const { remote } = setUp(tokenize)
  await Promise.all([remote.idsOf(chat([question])), remote.idsOf(chat([question]))])
  assert.equal(asks.length, 1)
})

for (const tools of [
  undefined,
  [{ type: 'function', function: { name: 'f', description: secret } }],
]) {
  test(`of a conversation ${tools ? 'with' : 'without'} tools that grows only new messages are sent`, async () => {
    const { tokenize, asks } = obligingReplica()
    const { remote } = setUp(tokenize)
    await learnAll(remote)
    assert.equal(remote.growths.length, 2)
    await remote.idsOf(chat([question], { tools }))
    asks.length = 0
    const messages = [question, answer, next]
    const ids = await remote.idsOf(chat(messages, { tools }))
    assert.deepEqual([...(ids ?? [])], serverIds({ messages, tools }))
    assert.ok(!said(asks).includes(question.content))
    assert.ok(said(asks).includes(answer.content))
    const again = [...messages, answer, next]
    const later = await remote.idsOf(chat(again, { tools }))
    assert.deepEqual([...(later ?? [])], serverIds({ messages: again, tools }))
  })
}

test('a template that writes earlier messages otherwise later is asked for whole', async () => {
  const { tokenize, asks } = obligingReplica()
  // Only the last message is in the prompt.
  const forgetful: Tokenize = (origin, asked) => {
    const { messages } = asked
    return tokenize(origin, isList(messages) ? { ...asked, messages: messages.slice(-1) } : asked)
  }
  const { remote } = setUp(forgetful)
  await learnAll(remote)
  assert.equal(remote.growths.length, 0)
  await remote.idsOf(chat([question]))
  asks.length = 0
  const ids = await remote.idsOf(chat([question, answer, next]))
  assert.deepEqual([...(ids ?? [])], serverIds({ messages: [next] }))
  assert.equal(asks.length, 1)
})

test('thoughts of earlier turns are asked for whole', async () => {
  const { tokenize, asks } = obligingReplica()
  const { remote } = setUp(tokenize)
  await learnAll(remote)
  const thinking = { role: 'assistant', content: '<think>Hm.</think>Yes.' }
  await remote.idsOf(chat([question, thinking, next]))
  asks.length = 0
  await remote.idsOf(chat([question, thinking, next, answer, next]))
  assert.ok(said(asks).includes(question.content))
})

test('parts that turn out wrong are asked for no more', async () => {
  const { tokenize } = obligingReplica()
  // Another frame for what says nothing: neither probe shows it.
  let isStrange = false
  const strange: Tokenize = async (origin, asked) => {
    const ids = await tokenize(origin, asked)
    const isFramed = isStrange && JSON.stringify(asked).includes('"content":"x"')
    return isFramed ? ids?.map((id) => (id === 5002 ? 5003 : id)) : ids
  }
  const { remote } = setUp(strange)
  await learnAll(remote)
  isStrange = true
  let messages: Json[] = [question]
  await remote.idsOf(chat(messages))
  let wrong = 0
  for (let turn = 0; turn < 40; turn++) {
    messages = [...messages, { role: 'assistant', content: `No ${turn}` }, next]
    const ids = await remote.idsOf(chat(messages))
    if (JSON.stringify([...(ids ?? [])]) !== JSON.stringify(serverIds({ messages }))) wrong++
  }
  assert.ok(wrong > 0 && wrong < 32, `${wrong} wrong`)
  assert.deepEqual(
    remote.growths.map(({ isWithTools }) => isWithTools),
    [true],
  )
})

test('the order of members is part of a prompt that is remembered', async () => {
  const { tokenize, asks } = obligingReplica()
  const { remote } = setUp(tokenize)
  const call = (args: string) => ({
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: args } }],
  })
  const one = await remote.idsOf(chat([question, call('{"a":1,"b":2}')]))
  const other = await remote.idsOf(chat([question, call('{"b":2,"a":1}')]))
  assert.notDeepEqual(one, other)
  assert.equal(asks.length, 2)
})

test('no more than two questions are with a replica at a time', async () => {
  const waiting: (() => void)[] = []
  const slow: Tokenize = () =>
    new Promise((resolve) => {
      waiting.push(() => resolve(Uint32Array.of(1)))
    })
  const { remote } = setUp(slow, ['http://a:1', 'http://b:1'])
  const asked = Array.from({ length: 6 }, (_, at) =>
    remote.idsOf({ kind: 'text', text: `${at}`, addsSpecialTokens: true }),
  )
  assert.equal(waiting.length, 4)
  for (const answer of waiting) answer()
  const answers = await Promise.all(asked.filter((ids) => ids instanceof Promise))
  assert.equal(answers.filter((ids) => ids === undefined).length, 2)
})

test('replicas that fail in a row are left alone, for longer each time', async () => {
  let asks = 0
  const { turns, clock } = setUp(async () => undefined)
  const fail = async () => {
    const asking = turns.ask(() => {
      asks++
      return Promise.reject(new Error('gone'))
    })
    await asking?.catch(() => {})
  }
  for (let turn = 0; turn < 5; turn++) await fail()
  assert.equal(asks, 3)
  for (const restMs of [2_000, 4_000, 8_000]) {
    clock.advance(restMs - 1)
    assert.ok(turns.isResting)
    clock.advance(1)
    await fail()
  }
  assert.equal(asks, 6)
  clock.advance(16_000)
  await turns.ask(async () => 1)
  await fail()
  assert.ok(!turns.isResting)
})
