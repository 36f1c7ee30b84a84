import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { faultsOf } from '../../pair/responses-grammar.ts'
import { ask } from '../client.ts'
import { asked, double, openai } from './double.ts'

test('openai: an answer has usage, an id and the limits in its head', async (context) => {
  const limits = { requestsPerMinute: 60, tokensPerMinute: 150_000 }
  const client = openai(await double(context, { limits }))
  const { data, response } = await client.chat.completions.create(asked).withResponse()
  assert.equal(data.object, 'chat.completion')
  assert.equal(data.choices[0]?.finish_reason, 'length')
  assert.equal(data.usage?.completion_tokens, 5)
  assert.equal(data.usage.prompt_tokens_details?.cached_tokens, 0)
  assert.match(response.headers.get('x-request-id') ?? '', /^req_/)
  assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '59')
  assert.equal(response.headers.get('x-ratelimit-reset-requests'), '1s')
})

test('openai: a stream has a chunk of its own for the finish reason and for the usage', async (context) => {
  const client = openai(await double(context))
  const stream = await client.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  })
  const chunks = await Array.fromAsync(stream)
  assert.deepEqual(
    chunks.map(({ choices }) => choices[0]?.finish_reason),
    [null, null, null, null, null, null, 'length', undefined],
  )
  assert.deepEqual(chunks.at(-2)?.choices[0]?.delta, {})
  assert.equal(chunks.at(-1)?.usage?.completion_tokens, 5)
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
})

test('openai: a stream without include_usage says nothing of usage', async (context) => {
  const client = openai(await double(context))
  const stream = await client.chat.completions.create({ ...asked, stream: true })
  const chunks = await Array.fromAsync(stream)
  assert.ok(chunks.every((chunk) => !('usage' in chunk)))
})

test('openai: a tool is called, streamed too', async (context) => {
  const client = openai(await double(context))
  const parameters = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  }
  const stream = client.chat.completions.stream({
    model: 'large',
    messages: asked.messages,
    tools: [{ type: 'function', function: { name: 'weather', parameters } }],
    tool_choice: 'required',
  })
  const answer = await stream.finalChatCompletion()
  assert.equal(answer.choices[0]?.finish_reason, 'tool_calls')
  const call = answer.choices[0].message.tool_calls?.[0]
  assert.ok(call?.type === 'function')
  assert.equal(call.function.name, 'weather')
})

test('openai: responses answer whole and streamed, and a limit makes them incomplete', async (context) => {
  const client = openai(await double(context))
  const request = { model: 'large', input: 'hello' }
  const whole = await client.responses.create(request)
  assert.deepEqual([whole.status, whole.usage?.output_tokens], ['completed', 64])
  const stream = await client.responses.create({ ...request, max_output_tokens: 3, stream: true })
  const events = await Array.fromAsync(stream)
  const last = events.at(-1)
  assert.ok(last?.type === 'response.incomplete')
  assert.deepEqual(last.response.usage?.output_tokens_details, { reasoning_tokens: 0 })
})

for (const more of [
  {},
  { max_output_tokens: 3 },
  { tools: [{ type: 'function', name: 'f', parameters: {} }], tool_choice: 'required' },
]) {
  test(`openai: the events of ${JSON.stringify(more)} have the grammar of Responses`, async (context) => {
    const { port } = await double(context)
    const body = { model: 'large', input: 'hello', stream: true, ...more }
    const headers = { authorization: 'Bearer good' }
    const seen = await ask(port, { path: '/v1/responses', body, headers })
    assert.deepEqual(faultsOf(seen.body), [])
  })
}

test('openai: an error inside a stream of Responses has the next number', async (context) => {
  const provider = await double(context)
  provider.script({ faults: ['error=2'] })
  const body = { model: 'large', input: 'hello', stream: true }
  const headers = { authorization: 'Bearer good' }
  const seen = await ask(provider.port, { path: '/v1/responses', body, headers })
  assert.deepEqual(faultsOf(seen.body), [])
  assert.match(seen.body, /event: error\n.*\n\n$/)
})

test('openai: input tokens are counted as the usage later says', async (context) => {
  const client = openai(await double(context))
  const counted = await client.responses.inputTokens.count({ model: 'large', input: 'hello you' })
  const answer = await client.responses.create({ model: 'large', input: 'hello you' })
  assert.equal(counted.object, 'response.input_tokens')
  assert.equal(counted.input_tokens, answer.usage?.input_tokens)
})

test('openai: a repeated long prompt is cached for its account only', async (context) => {
  const provider = await double(context, { keys: ['good', 'other'] })
  const long = { ...asked, messages: [{ role: 'user' as const, content: 'word '.repeat(2_000) }] }
  const cached = async (key: string) =>
    (await openai(provider, key).chat.completions.create(long)).usage?.prompt_tokens_details
      ?.cached_tokens
  assert.equal(await cached('good'), 0)
  assert.ok(Number(await cached('good')) >= 1_024)
  assert.equal(await cached('other'), 0)
})

test('openai: embeddings answer with prompt tokens', async (context) => {
  const client = openai(await double(context))
  const answer = await client.embeddings.create({ model: 'small', input: ['a b', 'c'] })
  assert.equal(answer.data.length, 2)
  assert.ok(answer.usage.prompt_tokens > 0)
})

test('openai: a wrong key is an AuthenticationError', async (context) => {
  const provider = await double(context)
  await assert.rejects(openai(provider, 'bad').chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError)
    assert.equal(error.code, 'invalid_api_key')
    return true
  })
  await assert.rejects(openai(provider, 'bad').models.list(), OpenAI.AuthenticationError)
  assert.equal(provider.statistics().unauthorized, 2)
})

test('openai: the limit is a RateLimitError with headers', async (context) => {
  const provider = await double(context, { limits: { requestsPerMinute: 1 } })
  const client = openai(provider)
  await client.chat.completions.create(asked)
  await assert.rejects(client.chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.deepEqual([error.code, error.type], ['rate_limit_exceeded', 'requests'])
    assert.equal(error.headers.get('retry-after'), '60')
    assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '0')
    return true
  })
})

test('openai: an exhausted credit is 429 with its own code and no wait', async (context) => {
  const provider = await double(context, { keys: [{ key: 'good', state: 'credit-exhausted' }] })
  await assert.rejects(openai(provider).chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.equal(error.code, 'credit_balance_exhausted')
    assert.equal(error.headers.get('retry-after'), null)
    return true
  })
})

test('openai: models are listed, and one that is not served is 404', async (context) => {
  const client = openai(await double(context))
  const models = await Array.fromAsync(client.models.list())
  assert.deepEqual(
    models.map(({ id }) => id),
    ['large', 'small'],
  )
  await assert.rejects(client.models.retrieve('none'), OpenAI.NotFoundError)
  await assert.rejects(
    client.chat.completions.create({ ...asked, model: 'none' }),
    OpenAI.NotFoundError,
  )
})
