import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { ask } from '../client.ts'
import { anthropic, asked, double } from './double.ts'

const limits = {
  requestsPerMinute: 60,
  inputTokensPerMinute: 100_000,
  outputTokensPerMinute: 20_000,
}

test('anthropic: an answer has usage, a request id and the limits in its head', async (context) => {
  const client = anthropic(await double(context, { vendor: 'anthropic', limits }))
  const { data, response } = await client.messages.create(asked).withResponse()
  assert.match(data.id, /^msg_/)
  assert.deepEqual([data.stop_reason, data.usage.output_tokens], ['max_tokens', 5])
  assert.match(response.headers.get('request-id') ?? '', /^req_/)
  assert.equal(response.headers.get('anthropic-ratelimit-requests-remaining'), '59')
  assert.match(
    response.headers.get('anthropic-ratelimit-input-tokens-reset') ?? '',
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  )
})

test('anthropic: a stream is what the client helper expects, with a ping', async (context) => {
  const client = anthropic(await double(context, { vendor: 'anthropic' }))
  const message = await client.messages.stream(asked).finalMessage()
  assert.equal(message.content[0]?.type, 'text')
  assert.equal(message.usage.output_tokens, 5)
  const { port } = await double(context, { vendor: 'anthropic' })
  const headers = { authorization: 'Bearer good', 'anthropic-version': '2023-06-01' }
  const body = { ...asked, stream: true }
  const seen = await ask(port, { path: '/v1/messages?beta=true', body, headers })
  const names = [...seen.body.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)
  assert.deepEqual(names.slice(0, 4), [
    'message_start',
    'content_block_start',
    'ping',
    'content_block_delta',
  ])
  assert.deepEqual(names.slice(-3), ['content_block_stop', 'message_delta', 'message_stop'])
})

test('anthropic: the key may come as x-api-key, the version must come', async (context) => {
  const { port } = await double(context, { vendor: 'anthropic' })
  const post = (headers: Record<string, string>) =>
    ask(port, { path: '/v1/messages', body: asked, headers })
  const version = { 'anthropic-version': '2023-06-01' }
  assert.equal((await post({ 'x-api-key': 'good', ...version })).status, 200)
  assert.equal((await post({ 'x-api-key': 'bad', ...version })).status, 401)
  const refused = JSON.parse((await post({ 'x-api-key': 'good' })).body)
  assert.equal(refused.error.type, 'invalid_request_error')
})

test('anthropic: version 2026-10-21 refuses sampling fields', async (context) => {
  const { port } = await double(context, { vendor: 'anthropic' })
  const status = async (version: string) => {
    const headers = { 'x-api-key': 'good', 'anthropic-version': version }
    const body = { ...asked, temperature: 1 }
    return (await ask(port, { path: '/v1/messages', body, headers })).status
  }
  assert.deepEqual([await status('2023-06-01'), await status('2026-10-21')], [200, 400])
})

test('anthropic: only what the request marks is cached, and input_tokens leaves it out', async (context) => {
  const client = anthropic(await double(context, { vendor: 'anthropic' }))
  const text = 'word '.repeat(1_000)
  const usage = async (part: object) => {
    const content = [{ type: 'text' as const, text, ...part }]
    const answer = await client.messages.create({ ...asked, messages: [{ role: 'user', content }] })
    const { input_tokens: input, cache_read_input_tokens: read } = answer.usage
    return { input, read, write: answer.usage.cache_creation_input_tokens }
  }
  const plain = await usage({})
  assert.deepEqual(await usage({}), plain)
  assert.deepEqual([plain.read, plain.write], [0, 0])
  const marked = { cache_control: { type: 'ephemeral' } }
  const first = await usage(marked)
  const second = await usage(marked)
  assert.equal(first.read, 0)
  assert.ok(Number(first.write) > 0 && second.read === first.write && second.write === 0)
  assert.equal(first.input + Number(first.write), plain.input)
})

test('anthropic: tokens are counted as the usage later says', async (context) => {
  const client = anthropic(await double(context, { vendor: 'anthropic' }))
  const { messages, model } = asked
  const counted = await client.messages.countTokens({ messages, model })
  assert.equal(counted.input_tokens, (await client.messages.create(asked)).usage.input_tokens)
})

test('anthropic: errors are of their classes, and bodies name the request', async (context) => {
  const provider = await double(context, {
    vendor: 'anthropic',
    limits: { requestsPerMinute: 60 },
    keys: [
      'good',
      { key: 'poor', state: 'credit-exhausted' },
      { key: 'spent', state: 'spend-limit' },
      { key: 'barred', state: 'forbidden' },
    ],
  })
  const create = (key: string) => anthropic(provider, key).messages.create(asked)
  await assert.rejects(create('bad'), Anthropic.AuthenticationError)
  await assert.rejects(create('barred'), Anthropic.PermissionDeniedError)
  await assert.rejects(create('poor'), { status: 402 })
  await assert.rejects(create('spent'), (error) => {
    assert.ok(error instanceof Anthropic.RateLimitError)
    assert.match(JSON.stringify(error.error), /"error_code":"enforced_spend_limit_reached"/)
    assert.match(error.message, /You will regain access on 2026-02-01 at 00:00 UTC\./)
    assert.equal(error.headers.get('retry-after'), null)
    return true
  })
  await create('good')
  await assert.rejects(create('good'), (error) => {
    assert.ok(error instanceof Anthropic.RateLimitError)
    assert.equal(error.headers.get('retry-after'), '1')
    assert.match(JSON.stringify(error.error), /"request_id":"req_/)
    return true
  })
})

test('anthropic: overloaded is 529 before the head and an event after it', async (context) => {
  const provider = await double(context, { vendor: 'anthropic' })
  const client = anthropic(provider)
  provider.script({ faults: ['overloaded', 'error=2'] })
  await assert.rejects(client.messages.create(asked), (error) => {
    assert.ok(error instanceof Anthropic.APIError)
    assert.deepEqual([error.status, error.type], [529, 'overloaded_error'])
    return true
  })
  await assert.rejects(client.messages.stream(asked).finalMessage(), /overloaded_error/)
})

test('anthropic: models are listed, and hello is answered', async (context) => {
  const provider = await double(context, { vendor: 'anthropic' })
  const models = await Array.fromAsync(anthropic(provider).models.list())
  assert.deepEqual(
    models.map(({ id }) => id),
    ['large', 'small'],
  )
  assert.equal((await ask(provider.port, { path: '/api/hello' })).status, 200)
})
