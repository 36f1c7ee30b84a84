import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, codeIn, question } from './client.ts'
import { alias, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({
    provider: provider.port,
    models: { 'of-a': { targets: [{ provider: 'pool', model: 'a-own' }] }, 'of-b': alias },
    ambassador: {
      identity: {
        kind: 'shared-secret',
        secrets: [
          { tenant: 'team-a', secret: 'SECRET_A' },
          { tenant: 'team-b', secret: 'SECRET_B' },
        ],
      },
    },
    tenants: { 'team-a': {}, 'team-b': { models: ['of-b'] } },
    sidecar: { secret: 'SECRET_B' },
    environment: { SECRET_A: 'secret-of-a', SECRET_B: 'secret-of-b' },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const wrong = {
  nothing: {},
  'a wrong secret': { authorization: 'Bearer secret-of-c' },
  'a secret without its scheme': { authorization: 'secret-of-a' },
  'a tenant of its choice': { 'x-outrigger-tenant': 'team-a' },
}
for (const [what, headers] of Object.entries(wrong)) {
  test(`an ambassador that is given ${what} answers 401`, async () => {
    const asked = question('chat')
    const all = { ...asked.headers, ...headers }
    const seen = await ask(pair.ambassador.port, { ...asked, headers: all })
    assert.deepEqual([seen.status, codeIn(seen.body)], [401, 'unauthenticated'])
  })
}

test('a tenant reaches its own model, and its name is on line and metric', async () => {
  const seen = await ask(pair.port, question('chat', { body: { model: 'of-b' } }))
  assert.equal(seen.status, 200)
  const { ambassador } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
  assert.equal(ambassador['tenant'], 'team-b')
  const { text } = await pair.ambassador.page('/metrics')
  assert.match(text, /team-b/)
  assert.doesNotMatch(text, /team-a/)
})

for (const dialect of ['chat', 'messages'] as const) {
  test(`a tenant does not reach the model of another in ${dialect}`, async () => {
    const asked = question(dialect, { body: { model: 'of-a' } })
    const headers = {
      ...asked.headers,
      'x-outrigger-tenant': 'team-a',
      'x-outrigger-model': 'tiny',
      authorization: 'Bearer secret-of-a',
    }
    const seen = await ask(pair.port, { ...asked, headers })
    assert.deepEqual([seen.status, codeIn(seen.body)], [403, 'model-forbidden'])
    const { ambassador } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
    assert.deepEqual([ambassador['tenant'], ambassador['outcome']], ['team-b', 'refused'])
  })
}
