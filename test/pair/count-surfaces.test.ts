import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { countTokens } from 'gpt-tokenizer/model/gpt-4o'
import OpenAI from 'openai'
import { ask } from './client.ts'
import { until } from './errors/occupy.ts'
import {
  callOf,
  closedPort,
  type Pair,
  type Provider,
  startPair,
  startProvider,
} from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider({ model: 'gpt-4o', contextTokensMax: 200_000 })
  const at = (name: string, model = 'gpt-4o') => ({ targets: [{ provider: name, model }] })
  const gone = {
    kind: 'vllm',
    replicas: { addresses: ['http://127.0.0.1:1'] },
    address: `127.0.0.1:${await closedPort()}`,
  }
  pair = await startPair({
    provider: provider.port,
    models: { gpt: at('pool'), gone: at('gone'), gold: at('pool', 'gold') },
    providers: { gone },
    tenants: { local: { models: ['gpt', 'gone'] } },
    sidecar: { count: { wait: '30s' } },
    ambassador: { countsMax: 1 },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const messages = [{ role: 'user', content: 'How many tokens has this question, 世界?' }] as const
const path = '/v1/messages/count_tokens'
const question = (model: string, headers = {}) => ({ path, body: { model, messages }, headers })
const own = countTokens([...messages])

test('a count of messages is the provider’s where it has one', async () => {
  const sdk = new Anthropic({ apiKey: 'none', baseURL: `http://127.0.0.1:${pair.port}` })
  const { data, response } = await sdk.messages
    .countTokens({ model: 'gpt', messages: [...messages] })
    .withResponse()
  assert.equal(response.headers.get('x-outrigger-count'), 'provider')
  const direct = await ask(provider.port, question('gpt-4o'))
  assert.equal(data.input_tokens, JSON.parse(direct.body)['input_tokens'])
})

test('a count costs nobody anything', async () => {
  const seen = await ask(pair.port, question('gpt'))
  const { sidecar, ambassador } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
  assert.deepEqual([sidecar['inputTokens'], ambassador['inputTokens']], [0, 0])
  for (const half of [pair.sidecar, pair.ambassador]) {
    const { text } = await half.page('/metrics')
    assert.doesNotMatch(text, /^(outrigger\w*_tokens_total|gen_ai_client_token_usage\w*)\{/m)
  }
})

for (const [name, model, headers] of [
  ['a provider that fails', 'gpt', { 'x-sim-fault': 'status=500' }],
  ['a provider that has no such path', 'gpt', { 'x-sim-fault': 'status=404' }],
  ['a provider that refuses our key', 'gpt', { 'x-sim-fault': 'status=401' }],
  ['an ambassador that is gone', 'gone', {}],
] as const) {
  test(`${name} is stood in for by the sidecar’s own count`, async () => {
    const seen = await ask(pair.port, question(model, headers))
    assert.deepEqual([seen.status, seen.headers['x-outrigger-count']], [200, 'formula'])
    assert.deepEqual(JSON.parse(seen.body), { input_tokens: own })
  })
}

test('a provider that stalls is waited for a moment only, and holds up no other count', async () => {
  const headers = { 'x-sim-fault': 'stall-head', 'x-request-id': 'stalled' }
  const stalled = ask(pair.port, question('gpt', headers))
  await until(() => callOf(provider, 'stalled') !== undefined)
  const beside = await ask(pair.port, question('gpt'))
  assert.equal(beside.headers['x-outrigger-count'], 'formula')
  assert.equal((await stalled).headers['x-outrigger-count'], 'formula')
})

test('what the provider finds wrong with the question is passed on', async () => {
  const seen = await ask(pair.port, { path, body: { model: 'gpt', messages: 'none' } })
  const direct = await ask(provider.port, { path, body: { model: 'gpt-4o', messages: 'none' } })
  assert.deepEqual([seen.status, seen.body], [400, direct.body])
})

test('a model that the tenant may not ask for is not counted either', async () => {
  const seen = await ask(pair.port, question('gold'))
  assert.deepEqual([seen.status, seen.headers['x-outrigger-count']], [403, undefined])
})

test('a count of a response is the sidecar’s own where the provider has none', async () => {
  const sdk = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${pair.port}/v1` })
  const input = 'How many tokens has this question, 世界?'
  const { data, response } = await sdk.responses.inputTokens
    .count({ model: 'gpt', input })
    .withResponse()
  // How OpenAI frames a response is published nowhere.
  assert.equal(response.headers.get('x-outrigger-count'), 'estimate')
  assert.equal(data.object, 'response.input_tokens')
  assert.ok(data.input_tokens >= countTokens(input))
})
