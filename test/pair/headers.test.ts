import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, question, spoken } from './client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({
    provider: provider.port,
    pool: { credentials: [{ name: 'main', secret: 'PROVIDER_KEY' }] },
    environment: { PROVIDER_KEY: 'of-the-provider' },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const secrets = {
  authorization: 'Bearer of-the-application',
  'x-api-key': 'of-the-application',
  'api-key': 'of-the-application',
  cookie: 'of-the-application',
  'proxy-authorization': 'of-the-application',
  baggage: 'of=the-application',
  'x-outrigger-model': 'of-the-application',
  'x-outrigger-tenant': 'of-the-application',
  'x-outrigger-made-up': 'of-the-application',
  'x-forwarded-for': 'of-the-application',
}
const hops = {
  connection: 'close, x-named',
  'x-named': 'of-the-application',
  'keep-alive': 'of-the-application',
  te: 'trailers',
}

for (const dialect of spoken) {
  test(`T60: no credential and no forged word of the application reaches the provider of ${dialect}`, async () => {
    const asked = question(dialect)
    const headers = { ...asked.headers, ...secrets, ...hops, 'accept-encoding': 'gzip, br' }
    const seen = await ask(pair.port, { ...asked, headers: { ...headers, 'x-own': 'kept' } })
    assert.equal(seen.status, 200)
    const got = callOf(provider, asked.id)?.headers ?? {}
    assert.ok(!JSON.stringify(got).includes('of-the-application'))
    assert.deepEqual(
      Object.keys(got).filter((name) => name.startsWith('x-outrigger-') || name === 'te'),
      [],
    )
    assert.equal(got['authorization'], 'Bearer of-the-provider')
    assert.equal(got['accept-encoding'], 'identity')
    assert.equal(got['host'], `127.0.0.1:${provider.port}`)
    assert.equal(got['x-own'], 'kept')
    assert.ok(!JSON.stringify(seen).includes('of-the-provider'))
  })

  test(`the provider's x-request-id and our call id both come back from ${dialect}`, async () => {
    const asked = question(dialect)
    const seen = await ask(pair.port, asked)
    assert.equal(seen.headers['x-request-id'], asked.id)
    assert.match(String(seen.headers['x-outrigger-call']), /^[0-9a-f-]{36}$/)
    assert.equal(seen.headers['x-outrigger-replay'], undefined)
    assert.equal(seen.headers['x-outrigger-content-length'], undefined)
  })
}

const part = String.raw`;dur=\d+\.\d`

for (const stream of [false, true]) {
  test(`an answer says what provider and halves took, streamed: ${stream}`, async () => {
    const seen = await ask(pair.port, question('chat', { stream }))
    const timing = String(seen.headers['server-timing'])
    assert.match(
      timing,
      new RegExp(`^provider${part}, ambassador${part}, sidecar${part}(?:, accept${part})?$`),
    )
  })
}

test('an answer of the provider that is an error says so too', async () => {
  const seen = await ask(pair.port, question('chat', { fault: 'status=503' }))
  assert.equal(seen.status, 503)
  assert.match(String(seen.headers['server-timing']), /^provider;.*, ambassador;.*, sidecar;/)
})

test('the query of the caller reaches the provider', async () => {
  const asked = question('messages')
  await ask(pair.port, { ...asked, path: `${asked.path}?beta=true` })
  assert.equal(callOf(provider, asked.id)?.path, '/v1/messages?beta=true')
})
