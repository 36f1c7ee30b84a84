import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Pair } from '../harness.ts'
import { type Answer, type AnsweringProvider, startAnswering } from './answering-provider.ts'
import {
  aliases,
  asked,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  startTaken,
} from './stage.ts'

/** Keys in the order in which they were met. */
const met: string[] = []

/**
 * Answers with reasoning that it has encrypted for the account of the key, as `reasoning_details` of
 * type `reasoning.encrypted` carry it, and refuses what another account has encrypted.
 */
function seal(key: string, text: string): Answer {
  met.push(key)
  const sealedBy = /"data":"sealed by ([^"]+)"/.exec(text)?.[1]
  const isStrange = sealedBy !== undefined && sealedBy !== key
  return isStrange ? { status: 400, body: strange } : { status: 200, body: answerOf(key) }
}

/** In OpenAI's words. */
const strange = {
  error: {
    message: 'The encrypted content could not be verified.',
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_encrypted_content',
  },
}

function answerOf(key: string) {
  const reasoning_details = [{ type: 'reasoning.encrypted', data: `sealed by ${key}` }]
  const message = { role: 'assistant', content: 'yes', reasoning_details }
  return {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
}

const keys: readonly Key[] = [{ name: 'one' }, { name: 'two' }]
let provider: AnsweringProvider
let pair: Pair

before(async () => {
  provider = await startAnswering(seal)
  const { port } = provider
  const models = { tiny: undefined, assistant: undefined, ...aliases(['m']) }
  const environment = environmentOf(keys)
  pair = await startTaken({ models, environment, provider: port, pool: openaiPool(port, keys) })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

type Message = Readonly<Record<string, unknown>>

/** One turn of a conversation: status, body, and what the conversation is afterwards. */
async function turn(messages: readonly Message[], headers: Readonly<Record<string, string>> = {}) {
  const seen = await asked(pair, planned('m', { headers, body: { messages } }))
  const message = seen.status === 200 ? JSON.parse(seen.body).choices[0].message : undefined
  return { ...seen, next: [...messages, message, { role: 'user', content: 'and then?' }] }
}

const begin: readonly Message[] = [{ role: 'user', content: 'Hello' }]

test('what an account has encrypted goes back to it, for as long as the session is named', async () => {
  for (let session = 0; session < 10; session++) {
    const headers = { 'x-outrigger-session': `conversation-${session}` }
    let messages = begin
    for (let at = 0; at < 3; at++) {
      const { status, body, next } = await turn(messages, headers)
      assert.equal(status, 200, body)
      messages = next
    }
  }
  assert.equal(new Set(met).size, 2, 'both accounts were met')
})

test('another account’s refusal is told in its words, tried nowhere else and held against no key', async () => {
  const { next, body } = await turn(begin)
  const other = String(JSON.parse(body).choices[0].message.reasoning_details[0].data)
  let refused = 0
  for (let at = 0; at < 20; at++) {
    const asks = met.length
    const seen = await turn(next)
    assert.equal(met.length, asks + 1)
    if (seen.status === 200) continue
    refused++
    assert.notEqual(`sealed by ${met.at(-1)}`, other)
    assert.deepEqual([seen.status, seen.body], [400, JSON.stringify(strange)])
  }
  assert.ok(refused > 0, 'without a session either account is asked')
  const later = new Set<string | undefined>()
  for (let at = 0; at < 20; at++) {
    assert.equal((await turn(begin)).status, 200)
    later.add(met.at(-1))
  }
  assert.equal(later.size, 2)
})
