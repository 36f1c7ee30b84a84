import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { type Pair, type Provider, startPair, startProvider } from '../pair/harness.ts'

let provider: Provider
let pair: Pair
let client: Anthropic

before(async () => {
  provider = await startProvider({ tokenMs: 20 })
  pair = await startPair({ provider: provider.port })
  client = new Anthropic({
    apiKey: 'of-the-application',
    baseURL: `http://127.0.0.1:${pair.port}`,
    maxRetries: 0,
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const messages = [{ role: 'user' as const, content: 'hello' }]
const asked = { model: 'assistant', messages, max_tokens: 5 }

function under(fault: string) {
  return { headers: { 'x-sim-fault': fault } }
}

test('anthropic: an answer', async () => {
  const answer = await client.messages.create(asked)
  assert.equal(answer.content[0]?.type, 'text')
  assert.equal(answer.usage.output_tokens, 5)
  assert.equal(answer.stop_reason, 'max_tokens')
})

test('anthropic: a stream', async () => {
  const stream = client.messages.stream(asked)
  let text = ''
  stream.on('text', (part) => {
    text += part
  })
  const message = await stream.finalMessage()
  const [block] = message.content
  assert.ok(block?.type === 'text')
  assert.equal(block.text, text)
  assert.equal(message.usage.output_tokens, 5)
})

test('anthropic: a tool is called', async () => {
  const answer = await client.messages.create({
    ...asked,
    max_tokens: 100,
    tools: [
      {
        name: 'weather',
        input_schema: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    ],
    tool_choice: { type: 'tool', name: 'weather' },
  })
  const call = answer.content.find((block) => block.type === 'tool_use')
  assert.equal(call?.name, 'weather')
  assert.equal(answer.stop_reason, 'tool_use')
})

test('anthropic: the list of models, and one of them', async () => {
  const ids: string[] = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.deepEqual(ids, ['tiny', 'assistant'])
  assert.equal((await client.models.retrieve('tiny')).id, 'tiny')
})

test('anthropic: an abort reaches the provider', async () => {
  const stream = await client.messages.create({ ...asked, max_tokens: 2_000, stream: true })
  for await (const event of stream) {
    if (event.type === 'content_block_delta') stream.controller.abort()
  }
  await provider.whenIdle()
  assert.equal(provider.calls().at(-1)?.endedBy, 'client-left')
})

test('anthropic: errors are of its own classes', async () => {
  await assert.rejects(
    client.messages.create({ ...asked, model: 'assistent' }),
    (error) => error instanceof Anthropic.NotFoundError && /'assistant'/.test(error.message),
  )
  await assert.rejects(client.messages.create({ ...asked, model: '' }), Anthropic.BadRequestError)
  await assert.rejects(client.messages.create(asked, under('status=429')), Anthropic.RateLimitError)
  await assert.rejects(
    client.messages.create(asked, under('reset=0')),
    Anthropic.InternalServerError,
  )
})

test('anthropic: a stream that breaks is an APIError', async () => {
  const stream = await client.messages.create({ ...asked, stream: true }, under('reset=5'))
  let events = 0
  const read = async () => {
    for await (const event of stream) events += event.type === 'message_stop' ? 100 : 1
  }
  await assert.rejects(
    read,
    (error) => error instanceof Anthropic.APIError && /upstream-reset/.test(error.message),
  )
  assert.equal(events, 5)
})
