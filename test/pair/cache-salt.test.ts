import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { besides } from './errors/besides.ts'
import { type Half, type Provider, startProvider } from './harness.ts'

const identity = {
  kind: 'shared-secret',
  secrets: [
    { tenant: 'a', secret: 'A_SECRET' },
    { tenant: 'b', secret: 'B_SECRET' },
  ],
}
const secrets = { A_SECRET: 'of-a', B_SECRET: 'of-b', SALT_SECRET: 'grains' }

interface Stage {
  readonly provider: Provider
  ambassador(secret?: string): Promise<Half>
}

async function setUp(t: TestContext): Promise<Stage> {
  const provider = await startProvider({ model: 'tiny' })
  const extras = besides(provider.port)
  t.after(async () => {
    await extras.close()
    await provider.close()
  })
  return {
    provider,
    ambassador: (secret = 'SALT_SECRET') =>
      extras.start('ambassador', {
        ambassador: { identity },
        tenants: { a: {}, b: {} },
        pool: { cacheSalt: { secret } },
        environment: secrets,
      }),
  }
}

const content = Array.from({ length: 200 }, (_, at) => `word-${at}`).join(' ')

/** Prompt tokens that the replica had to compute, which is what its time to the first token goes by. */
async function computed(half: Half, tenant: 'a' | 'b', more: object = {}): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${half.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer of-${tenant}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'tiny',
      max_tokens: 1,
      messages: [{ role: 'user', content }],
      ...more,
    }),
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  const { usage } = JSON.parse(text)
  return usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens
}

function saltsOf(provider: Provider): readonly string[] {
  return provider
    .calls()
    .filter(({ bodyText }) => bodyText.includes('"messages"'))
    .map(({ bodyText }) => JSON.parse(bodyText).cache_salt)
}

test('a tenant finds its own prefix in the cache, and nobody else’s', async (t) => {
  const { ambassador } = await setUp(t)
  const half = await ambassador()
  const cold = await computed(half, 'a')
  assert.ok((await computed(half, 'a')) < cold / 2)
  // To the token what it costs when nobody has asked it before.
  assert.equal(await computed(half, 'b'), cold)
})

test('a salt of its own parts a tenant’s calls further, and opens no other’s cache', async (t) => {
  const { provider, ambassador } = await setUp(t)
  const half = await ambassador()
  const cold = await computed(half, 'a')
  assert.equal(await computed(half, 'a', { cache_salt: 'mine' }), cold)
  const [first, second] = saltsOf(provider)
  assert.ok(first !== undefined && second !== undefined && first !== second)
  for (const guess of ['a', 'mine', first, second]) {
    assert.equal(await computed(half, 'b', { cache_salt: guess }), cold)
  }
  assert.ok(saltsOf(provider).every((salt) => /^[\w-]{43}$/.test(salt)))
})

test('ambassadors with one secret agree, also after a restart', async (t) => {
  const { ambassador } = await setUp(t)
  const one = await ambassador()
  const cold = await computed(one, 'a')
  const other = await ambassador()
  assert.ok((await computed(other, 'a')) < cold / 2)
})

test('without its secret a pool serves nobody rather than all from one cache', async (t) => {
  const { provider, ambassador } = await setUp(t)
  const half = await ambassador('NOT_SET')
  const response = await fetch(`http://127.0.0.1:${half.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer of-a', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'hi' }] }),
  })
  assert.equal(JSON.parse(await response.text()).error.code, 'provider-disabled')
  assert.deepEqual(saltsOf(provider), [])
})
