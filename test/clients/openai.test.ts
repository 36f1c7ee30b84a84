import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { type Pair, type Provider, startPair, startProvider } from '../pair/harness.ts'

let provider: Provider
let pair: Pair
let client: OpenAI

before(async () => {
  provider = await startProvider({ tokenMs: 20 })
  pair = await startPair({ provider: provider.port })
  client = new OpenAI({
    apiKey: 'of-the-application',
    baseURL: `http://127.0.0.1:${pair.port}/v1`,
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

test('openai: an answer', async () => {
  const answer = await client.chat.completions.create(asked)
  assert.ok((answer.choices[0]?.message.content ?? '').length > 0)
  assert.equal(answer.usage?.completion_tokens, 5)
})

test('openai: a stream', async () => {
  const stream = await client.chat.completions.create({ ...asked, stream: true })
  const parts: string[] = []
  for await (const chunk of stream) parts.push(chunk.choices[0]?.delta.content ?? '')
  const whole = await client.chat.completions.create(asked)
  assert.equal(parts.join(''), whole.choices[0]?.message.content)
})

test('openai: a stream with its usage', async () => {
  const options = { stream: true as const, stream_options: { include_usage: true } }
  const stream = await client.chat.completions.create({ ...asked, ...options })
  let tokens: number | undefined
  for await (const chunk of stream) tokens = chunk.usage?.completion_tokens ?? tokens
  assert.equal(tokens, 5)
})

test('openai: a completion, streamed', async () => {
  const body = { model: 'assistant', prompt: 'hello', max_tokens: 5, stream: true as const }
  let text = ''
  for await (const chunk of await client.completions.create(body)) text += chunk.choices[0]?.text
  assert.ok(text.length > 0)
})

const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

test('openai: a tool is called', async () => {
  const answer = await client.chat.completions.create({
    model: 'assistant',
    messages,
    tools: [weather],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  })
  const [call] = answer.choices[0]?.message.tool_calls ?? []
  assert.ok(call?.type === 'function')
  assert.equal(call.function.name, 'weather')
  assert.ok('city' in JSON.parse(call.function.arguments))
})

test('openai: embeddings', async () => {
  const answer = await client.embeddings.create({ model: 'assistant', input: 'hello' })
  assert.ok((answer.data[0]?.embedding.length ?? 0) > 0)
})

test('openai: the list of models, and one of them', async () => {
  const ids: string[] = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.deepEqual(ids, ['tiny', 'assistant'])
  assert.equal((await client.models.retrieve('tiny')).id, 'tiny')
  await assert.rejects(client.models.retrieve('tinny'), OpenAI.NotFoundError)
})

test('openai: an abort reaches the provider', async () => {
  const body = { ...asked, max_tokens: 2_000, stream: true as const }
  const stream = await client.chat.completions.create(body)
  for await (const chunk of stream) {
    assert.ok(chunk.choices.length > 0)
    stream.controller.abort()
  }
  await provider.whenIdle()
  assert.equal(provider.calls().at(-1)?.endedBy, 'client-left')
})

test('openai: errors are of its own classes, with our code', async () => {
  const unknown = client.chat.completions.create({ ...asked, model: 'assistent' })
  await assert.rejects(unknown, (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError)
    assert.deepEqual([error.code, error.param], ['model-not-found', 'model'])
    return true
  })
  await assert.rejects(
    client.chat.completions.create({ ...asked, model: '' }),
    OpenAI.BadRequestError,
  )
  await assert.rejects(
    client.chat.completions.create(asked, under('status=429')),
    OpenAI.RateLimitError,
  )
  await assert.rejects(
    client.chat.completions.create(asked, under('reset=0')),
    OpenAI.InternalServerError,
  )
})

test('openai: a stream that breaks is an APIError with our code', async () => {
  const stream = await client.chat.completions.create({ ...asked, stream: true }, under('reset=3'))
  let events = 0
  const read = async () => {
    for await (const chunk of stream) events += chunk.choices.length
  }
  await assert.rejects(read, (error) => {
    assert.ok(error instanceof OpenAI.APIError)
    assert.equal(error.code, 'upstream-reset')
    return true
  })
  assert.equal(events, 3)
})

test('openai: what is pointless to retry is not retried', async () => {
  const mark = pair.sidecar.mark
  const eager = client.withOptions({ maxRetries: 3 })
  await assert.rejects(eager.chat.completions.create({ ...asked, model: 'nobody' }))
  await eager.chat.completions.create(asked)
  const first = await pair.sidecar.line((line) => line['modelAsked'] === 'nobody', mark)
  const at = pair.sidecar.lines.indexOf(first)
  await pair.sidecar.line((line) => line['outcome'] === 'ok', at)
  const tries = pair.sidecar.lines.filter((line) => line['modelAsked'] === 'nobody')
  assert.equal(tries.length, 1)
})
