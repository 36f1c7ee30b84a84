import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { ask } from '../client.ts'
import { asked, azure, azureV1, double } from './double.ts'

test('azure: deployments and the v1 surface answer alike', async (context) => {
  const provider = await double(context, { vendor: 'azure' })
  for (const client of [azure(provider), azureV1(provider)]) {
    const answer = await client.chat.completions.create(asked)
    assert.equal(answer.usage?.completion_tokens, 5)
    assert.ok('prompt_filter_results' in answer)
    const response = await client.responses.create({ model: 'large', input: 'hello' })
    assert.equal(response.status, 'completed')
  }
})

test('azure: a stream begins with a chunk that has no choice', async (context) => {
  const provider = await double(context, { vendor: 'azure' })
  const stream = await azure(provider).chat.completions.create({ ...asked, stream: true })
  const [first, second, ...rest] = await Array.fromAsync(stream)
  assert.deepEqual(first?.choices, [])
  assert.ok(first !== undefined && 'prompt_filter_results' in first)
  assert.equal(second?.choices[0]?.delta.role, 'assistant')
  assert.equal(rest.at(-1)?.choices[0]?.finish_reason, 'length')
})

test('azure: the key is the header api-key, and the older surface needs a version', async (context) => {
  const { port } = await double(context, { vendor: 'azure' })
  const path = '/openai/deployments/large/chat/completions'
  const headers = { 'api-key': 'good' }
  assert.equal((await ask(port, { path, body: asked, headers })).status, 404)
  const versioned = `${path}?api-version=2024-10-21`
  assert.equal((await ask(port, { path: versioned, body: asked, headers })).status, 200)
  const bad = await ask(port, { path: versioned, body: asked, headers: { 'api-key': 'bad' } })
  assert.deepEqual([bad.status, JSON.parse(bad.body).error.code], [401, '401'])
})

test('azure: errors are of their classes', async (context) => {
  const provider = await double(context, { vendor: 'azure', limits: { requestsPerMinute: 60 } })
  await assert.rejects(
    azure(provider, 'bad').chat.completions.create(asked),
    OpenAI.AuthenticationError,
  )
  await assert.rejects(
    azure(provider).chat.completions.create({ ...asked, model: 'none' }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === 'DeploymentNotFound',
  )
  provider.script({ limits: { tokensPerMinute: 1 } })
  await assert.rejects(azure(provider).chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.equal(error.code, '429')
    assert.equal(error.headers.get('retry-after-ms'), '86400000')
    return true
  })
})

test('azure: a filtered prompt is 400 with the policy in it', async (context) => {
  const provider = await double(context, { vendor: 'azure' })
  provider.script({ faults: ['content-filter', 'high-demand;retry-after=20'] })
  await assert.rejects(azure(provider).chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.code, 'content_filter')
    assert.match(JSON.stringify(error.error), /ResponsibleAIPolicyViolation/)
    return true
  })
  await assert.rejects(azure(provider).chat.completions.create(asked), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.equal(error.headers.get('retry-after'), '20')
    return true
  })
})

test('azure: tokens are counted and embeddings made on both surfaces', async (context) => {
  const provider = await double(context, { vendor: 'azure' })
  const counted = await azureV1(provider).responses.inputTokens.count({
    model: 'large',
    input: 'hello',
  })
  assert.ok(counted.input_tokens > 0)
  const made = await azure(provider).embeddings.create({ model: 'small', input: 'a' })
  assert.equal(made.data.length, 1)
})
