import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFor } from './ambassador.ts'
import { chatWhole } from './answers.ts'
import { startVendor } from './vendor-server.ts'

const chat = chatWhole({ usage: {}, told: 'never' })
const path = '/v1/chat/completions'
const body = { model: 'alias', messages: [] }

const one = { name: 'one', secret: 'KEY' }
const two = { name: 'two', secret: 'KEY_TWO' }
const absent = { name: 'absent', secret: 'NOT_SET' }

type Credentials = readonly object[]

async function start(context: Parameters<typeof startFor>[0], credentials: Credentials) {
  const server = await startVendor(context, () => ({ status: 200, body: chat }))
  const provider = { kind: 'openai', baseUrl: `${server.origin}/v1`, credentials }
  const { ask } = await startFor(context, provider)
  const keys = () => server.received.map(({ headers }) => headers.authorization)
  return { server, ask, keys }
}

test('a credential without a value is passed over while another has one', async (context) => {
  const { ask, keys } = await start(context, [absent, two])
  for (let calls = 0; calls < 5; calls++) assert.equal((await ask({ path, body })).status, 200)
  assert.deepEqual(new Set(keys()), new Set(['Bearer key-two']))
})

test('a provider none of whose credentials has a value is disabled', async (context) => {
  const { ask, server } = await start(context, [absent, { ...absent, name: 'gone' }])
  const { status, body: text } = await ask({ path, body })
  assert.deepEqual([status, JSON.parse(text).error.code], [503, 'provider-disabled'])
  assert.doesNotMatch(text, /key-/)
  assert.equal(server.received.length, 0)
})

test('a credential serves only the models that it names', async (context) => {
  const { ask, keys } = await start(context, [
    { ...one, models: ['large'] },
    { ...two, models: ['small'] },
  ])
  for (const model of ['large', 'small', 'small', 'large']) await ask({ path, body, model })
  assert.deepEqual(keys(), ['Bearer key-one', 'Bearer key-two', 'Bearer key-two', 'Bearer key-one'])
})

test('a model that no credential serves is refused before anything is sent', async (context) => {
  const { ask, server } = await start(context, [{ ...one, models: ['large'] }])
  const { status, body: text } = await ask({ path, body, model: 'small' })
  assert.deepEqual([status, JSON.parse(text).error.code], [503, 'provider-disabled'])
  assert.equal(server.received.length, 0)
})

test('a credential goes where it is valid, billed to whom it says', async (context) => {
  const region = await startVendor(context, () => ({ status: 200, body: chat }))
  const { ask, server } = await start(context, [
    { ...one, models: ['large'], organization: 'org-1', project: 'proj_1' },
    { ...two, models: ['small'], baseUrl: `${region.origin}/eu/v1` },
  ])
  await ask({ path, body, model: 'large' })
  await ask({ path, body, model: 'small' })
  const [home] = server.received
  assert.deepEqual(
    [home?.headers['openai-organization'], home?.headers['openai-project']],
    ['org-1', 'proj_1'],
  )
  const [away] = region.received
  assert.deepEqual(
    [away?.url, away?.headers.authorization],
    ['/eu/v1/chat/completions', 'Bearer key-two'],
  )
  assert.equal(away?.headers['openai-organization'], undefined)
})

test('the same model may be deployed under another name elsewhere', async (context) => {
  const away = await startVendor(context, () => ({ status: 200, body: chat }))
  const home = await startVendor(context, () => ({ status: 200, body: chat }))
  const { ask } = await startFor(context, {
    kind: 'azure',
    baseUrl: home.origin,
    credentials: [
      {
        ...one,
        models: ['large'],
        baseUrl: `${away.origin}/openai/v1/`,
        deployments: { large: 'large-2' },
      },
      { ...two, models: ['small'] },
    ],
  })
  await ask({ path, body, model: 'large' })
  await ask({ path, body, model: 'small' })
  assert.deepEqual(
    [away, home].map(({ received }) => JSON.parse(received[0]?.body ?? '{}').model),
    ['large-2', 'small'],
  )
  assert.equal(away.received[0]?.headers['api-key'], 'key-one')
})

test('a deployment is one part of a path, whatever is in its model’s name', async (context) => {
  const server = await startVendor(context, () => ({ status: 200, body: chat }))
  const credentials = [one]
  const azure = { kind: 'azure', api: 'deployments', apiVersion: '2025-04-01-preview' }
  const { ask } = await startFor(context, { ...azure, baseUrl: server.origin, credentials })
  await ask({ path, body, model: 'org/large:v1' })
  await ask({ path: `${path}?api-version=2024-02-01`, body })
  assert.deepEqual(
    server.received.map(({ url }) => url),
    [
      '/openai/deployments/org%2Flarge%3Av1/chat/completions?api-version=2025-04-01-preview',
      '/openai/deployments/large/chat/completions?api-version=2024-02-01',
    ],
  )
})
