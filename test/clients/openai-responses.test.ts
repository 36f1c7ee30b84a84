import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { type Pair, startPair } from '../pair/harness.ts'
import type { PlanName } from '../pair/responses-plans.ts'
import { ResponsesProvider } from '../pair/responses-provider.ts'

let provider: ResponsesProvider
let pair: Pair
let client: OpenAI

before(async () => {
  provider = await new ResponsesProvider().listen()
  pair = await startPair({
    provider: provider.port,
    pool: {
      kind: 'openai',
      replicas: undefined,
      baseUrl: `http://127.0.0.1:${provider.port}/v1`,
      credentials: [{ name: 'main', secret: 'ONE' }],
    },
    environment: { ONE: 'key-of-the-account' },
  })
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

const asked = { model: 'assistant', input: 'hello' }
const said = 'Hello, "response.completed" {"error": 1}'

function by(plan: PlanName) {
  return { headers: { 'x-plan': plan } }
}

test('openai responses: an answer', async () => {
  const answer = await client.responses.create(asked, by('text'))
  assert.equal(answer.output_text, said)
  assert.deepEqual([answer.status, answer.usage?.output_tokens], ['completed', 12])
})

test('openai responses: a stream, event by event', async () => {
  const stream = await client.responses.create({ ...asked, stream: true }, by('text'))
  let text = ''
  const types: string[] = []
  for await (const event of stream) {
    types.push(event.type)
    if (event.type === 'response.output_text.delta') text += event.delta
  }
  assert.equal(text, said)
  assert.deepEqual([types[0], types.at(-1)], ['response.created', 'response.completed'])
})

test('openai responses: a stream, gathered', async () => {
  const answer = await client.responses.stream(asked, by('text')).finalResponse()
  assert.equal(answer.output_text, said)
})

test('openai responses: an answer that was cut by its limit is incomplete', async () => {
  const stream = client.responses.stream(asked, by('incomplete'))
  const answer = await stream.finalResponse()
  assert.equal(answer.status, 'incomplete')
  assert.equal(answer.incomplete_details?.reason, 'max_output_tokens')
})

test('openai responses: a structured output is parsed, whole and streamed', async () => {
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
    required: ['city', 'degrees'],
    additionalProperties: false,
  }
  const text = { format: { type: 'json_schema' as const, name: 'weather', strict: true, schema } }
  const whole = await client.responses.parse({ ...asked, text }, by('structured'))
  assert.deepEqual(whole.output_parsed, { city: 'Oslo', degrees: 7 })
  const streamed = await client.responses
    .stream({ ...asked, text }, by('structured'))
    .finalResponse()
  assert.deepEqual(streamed.output_parsed, { city: 'Oslo', degrees: 7 })
})

for (const kind of ['whole', 'streamed'] as const) {
  test(`openai responses: the loop of a tool, ${kind}`, async () => {
    const tools = [
      {
        type: 'function' as const,
        name: 'weather',
        strict: false,
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ]
    const question = { ...asked, tools, store: false }
    const first =
      kind === 'whole'
        ? await client.responses.create(question, by('tool'))
        : await client.responses.stream(question, by('tool')).finalResponse()
    const [call] = first.output
    assert.ok(call?.type === 'function_call')
    const output = { type: 'function_call_output' as const, call_id: call.call_id, output: '7' }
    const input = [{ role: 'user' as const, content: 'hello' }, call, output]
    const second = await client.responses.create({ ...question, input }, by('tool'))
    assert.equal(second.output_text, said)
    const sent: unknown = JSON.parse(provider.bodies.at(-1) ?? '').input[1].id
    assert.equal(sent, 'fc_1')
  })
}

test('openai responses: what runs in the background is told at once', async () => {
  const answer = await client.responses.create({ ...asked, background: true }, by('background'))
  assert.deepEqual([answer.status, answer.output], ['queued', []])
})

test('openai responses: an abort reaches the provider', async () => {
  const { length } = provider.leftMs
  const stream = await client.responses.create({ ...asked, stream: true }, by('stall'))
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') stream.controller.abort()
  }
  while (provider.leftMs.length === length) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
})

const classes = [
  ['refused early', OpenAI.BadRequestError],
  ['limited early', OpenAI.RateLimitError],
  ['fails early', OpenAI.InternalServerError],
] as const
for (const [plan, Class] of classes) {
  test(`openai responses: a stream whose plan is '${plan}' is an error of its own class`, async () => {
    await assert.rejects(client.responses.create({ ...asked, stream: true }, by(plan)), Class)
  })
}

test('openai responses: a model that is not there', async () => {
  const unknown = client.responses.create({ ...asked, model: 'assistent' })
  await assert.rejects(unknown, (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError)
    assert.deepEqual([error.code, error.param], ['model-not-found', 'model'])
    return true
  })
})

for (const plan of ['cut', 'early end'] as const) {
  test(`openai responses: a stream that is broken by plan '${plan}' is an APIError with our code`, async () => {
    const stream = await client.responses.create({ ...asked, stream: true }, by(plan))
    const read = async () => {
      for await (const event of stream) assert.notEqual(event.type, 'response.completed')
    }
    await assert.rejects(read, (error) => {
      assert.ok(error instanceof OpenAI.APIError)
      assert.match(String(error.code), /^upstream-/)
      return true
    })
  })
}
