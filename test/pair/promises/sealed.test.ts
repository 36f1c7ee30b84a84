import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import type { Pair } from '../harness.ts'
import {
  aliases,
  asked,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  startTaken,
} from './stage.ts'

/**
 * Answers with reasoning that it has encrypted for the account of the key, as `reasoning_details` of
 * type `reasoning.encrypted` carry it, and refuses what another account has encrypted.
 */
class SealingProvider {
  readonly keys: string[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const key = String(request.headers.authorization).replace('Bearer ', '')
    if (request.method !== 'POST') {
      response.end('{}')
      return
    }
    this.keys.push(key)
    const sealedBy = /"data":"sealed by ([^"]+)"/.exec(text)?.[1]
    const isStrange = sealedBy !== undefined && sealedBy !== key
    response.writeHead(isStrange ? 400 : 200, { 'content-type': 'application/json' })
    response.end(isStrange ? strange : JSON.stringify(answerOf(key)))
  }
}

/** In OpenAI's words. */
const strange = JSON.stringify({
  error: {
    message: 'The encrypted content could not be verified.',
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_encrypted_content',
  },
})

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
let provider: SealingProvider
let pair: Pair

before(async () => {
  provider = new SealingProvider()
  const port = await provider.start()
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
  assert.equal(new Set(provider.keys).size, 2, 'both accounts were met')
})

test('another account’s refusal is told in its words, tried nowhere else and held against no key', async () => {
  const { next, body } = await turn(begin)
  const other = String(JSON.parse(body).choices[0].message.reasoning_details[0].data)
  let refused = 0
  for (let at = 0; at < 20; at++) {
    const asks = provider.keys.length
    const seen = await turn(next)
    assert.equal(provider.keys.length, asks + 1)
    if (seen.status === 200) continue
    refused++
    assert.notEqual(`sealed by ${provider.keys.at(-1)}`, other)
    assert.deepEqual([seen.status, seen.body], [400, strange])
  }
  assert.ok(refused > 0, 'without a session either account is asked')
  const later = new Set<string | undefined>()
  for (let at = 0; at < 20; at++) {
    assert.equal((await turn(begin)).status, 200)
    later.add(provider.keys.at(-1))
  }
  assert.equal(later.size, 2)
})
