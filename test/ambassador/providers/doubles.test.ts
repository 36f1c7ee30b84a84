import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import OpenAI, { AzureOpenAI } from 'openai'
import { type ProviderDouble, startProvider } from '#deploy/simulator/providers/provider.ts'
import type { Vendor } from '#deploy/simulator/providers/provider-options.ts'
import { noUsage } from '#shared/dialects/usage.ts'
import { environment, startFor } from './ambassador.ts'
import { chatWhole } from './answers.ts'
import { type Received, startVendor } from './vendor-server.ts'

const messages = [{ role: 'user', content: 'hello' }]

const chat = { path: '/v1/chat/completions', body: { model: 'alias', messages, max_tokens: 5 } }
const ofResponses = {
  path: '/v1/responses',
  body: { model: 'alias', input: 'hello', max_output_tokens: 5 },
}
const ofMessages = { path: '/v1/messages', body: { model: 'alias', messages, max_tokens: 5 } }
const version = { 'anthropic-version': '2023-06-01' }

/** The doubles speak as the vendors' documents say, and know one key. */
const rows = [
  { name: 'openai', vendor: 'openai', own: { kind: 'openai' }, base: '/v1', question: chat },
  {
    name: 'openai responses',
    vendor: 'openai',
    own: { kind: 'openai' },
    base: '/v1',
    question: ofResponses,
  },
  {
    name: 'azure responses',
    vendor: 'azure',
    own: { kind: 'azure' },
    base: '',
    question: ofResponses,
  },
  {
    name: 'azure responses beside deployments',
    vendor: 'azure',
    own: { kind: 'azure', api: 'deployments', dialects: ['responses'] },
    base: '',
    question: ofResponses,
  },
  { name: 'azure v1', vendor: 'azure', own: { kind: 'azure' }, base: '', question: chat },
  {
    name: 'azure deployments',
    vendor: 'azure',
    own: { kind: 'azure', api: 'deployments' },
    base: '',
    question: chat,
  },
  {
    name: 'anthropic',
    vendor: 'anthropic',
    own: { kind: 'anthropic' },
    base: '',
    question: { ...ofMessages, headers: version },
  },
] as const

async function start(context: TestContext, vendor: Vendor): Promise<ProviderDouble> {
  const keys = [{ key: environment.KEY, name: 'one' }]
  const double = await startProvider({ vendor, keys, models: ['large'] })
  context.after(() => double.close())
  return double
}

for (const { name, vendor, own, base, question } of rows) {
  test(`${name}: what the provider bills is what was settled, whole or streamed`, async (context) => {
    const double = await start(context, vendor)
    const credentials = [{ name: 'main', secret: 'KEY' }]
    const provider = { ...own, baseUrl: double.origin + base, credentials }
    const { ask } = await startFor(context, provider)
    const settled = { input: 0, output: 0 }
    for (const stream of [false, true]) {
      const answer = await ask({ ...question, body: { ...question.body, stream } })
      assert.equal(answer.status, 200, answer.body)
      const { input, output, isExact } = answer.usage ?? noUsage
      assert.equal(isExact, true)
      settled.input += input
      settled.output += output
    }
    await double.whenIdle()
    const { usage, unauthorized } = double.statistics()
    assert.equal(unauthorized, 0)
    assert.deepEqual(
      usage.map(({ key, finished, billed }) => [
        key,
        finished,
        billed.inputTokens,
        billed.outputTokens,
      ]),
      [['one', 2, settled.input, settled.output]],
    )
  })
}

for (const path of ['/v1/responses/input_tokens', '/v1/messages/count_tokens'] as const) {
  const vendor = path.startsWith('/v1/responses') ? 'openai' : 'anthropic'
  test(`${vendor}: a count is answered, and nothing is billed`, async (context) => {
    const double = await start(context, vendor)
    const credentials = [{ name: 'main', secret: 'KEY' }]
    const baseUrl = double.origin + (vendor === 'openai' ? '/v1' : '')
    const { ask } = await startFor(context, { kind: vendor, baseUrl, credentials })
    const asked = vendor === 'openai' ? { input: 'hello' } : { messages }
    const answer = await ask({ path, body: { model: 'alias', ...asked }, headers: version })
    assert.equal(answer.status, 200, answer.body)
    assert.ok(JSON.parse(answer.body)['input_tokens'] > 0)
    assert.deepEqual([double.statistics().counts, double.statistics().usage], [1, []])
  })
}

/** Path, key and body of a request, without what only says which library sent it. */
function wireOf({ method, url, headers, body }: Received) {
  const { authorization, 'api-key': key } = headers
  return { method, url, authorization, key, body: JSON.parse(body) }
}

test('azure: both surfaces are asked as Microsoft’s and OpenAI’s own clients ask them', async (context) => {
  const reply = { status: 200, body: chatWhole({ usage: {}, told: 'never' }) }
  const sent = await startVendor(context, () => reply)
  const { origin } = sent
  const asked = { model: 'large', messages: [{ role: 'user' as const, content: 'hello' }] }
  const apiKey = environment.KEY
  const azure = new AzureOpenAI({ apiKey, endpoint: origin, apiVersion: '2024-10-21' })
  await azure.chat.completions.create(asked)
  // v1 is OpenAI's own client with another address: its key goes as Bearer, which Azure takes for one.
  await new OpenAI({ apiKey, baseURL: `${origin}/openai/v1` }).chat.completions.create(asked)
  const credentials = [{ name: 'main', secret: 'KEY' }]
  for (const api of ['deployments', 'v1']) {
    const { ask } = await startFor(context, { kind: 'azure', api, baseUrl: origin, credentials })
    await ask({ path: '/v1/chat/completions', body: { ...asked, model: 'alias' } })
  }
  const [byAzure, byOpenai, deployments, v1] = sent.received.map(wireOf)
  assert.deepEqual(deployments, byAzure)
  assert.deepEqual(v1, { ...byOpenai, authorization: undefined, key: apiKey })
})
