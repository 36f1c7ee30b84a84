import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { ask, codeIn } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import type { Half } from '../harness.ts'
import { billed, type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  type PlannedCall,
  planned,
  series,
  untilCalm,
  wireKey,
} from './stage.ts'

/** How a provider refuses in words that hold the key. */
const quotes = ['401', '403', 'quote', '500', '429:1']

const keys: readonly Key[] = [
  ...Array.from({ length: 8 }, (_, at) => ({ name: `key-${at}`, models: ['shared', 'served'] })),
  { name: 'doomed', models: ['doomed'] },
  ...quotes.map((_, at) => ({ name: `quoted-${at}`, models: [`quoted-${at}`] })),
]
const models = ['shared', 'served', 'doomed', ...quotes.map((_, at) => `quoted-${at}`)]
const secrets = { A_SECRET: 'of-a', B_SECRET: 'of-b', C_SECRET: 'of-c', D_SECRET: 'of-d' }
const names = ['a', 'b', 'c', 'd'] as const
type Tenant = (typeof names)[number]

let provider: PlannedProvider
let extras: Besides
let half: Half
/** In front of the same provider, which it takes for Anthropic. */
let counting: Half

before(async () => {
  provider = await startPlanned()
  extras = besides(provider.port)
  counting = await extras.start('ambassador', {
    pool: {
      ...openaiPool(provider.port, [{ name: 'counter' }]),
      kind: 'anthropic',
      baseUrl: `http://127.0.0.1:${provider.port}`,
    },
    models: { tiny: undefined, assistant: undefined, ...aliases(['counted']) },
    environment: environmentOf([{ name: 'counter' }]),
  })
  half = await extras.start('ambassador', {
    pool: openaiPool(provider.port, keys, { retry: { ...eager, attempts: 2 } }),
    models: {
      tiny: undefined,
      assistant: undefined,
      ...aliases(models),
    },
    ambassador: {
      log: { level: 'debug' },
      identity: {
        kind: 'shared-secret',
        secrets: names.map((tenant) => ({ tenant, secret: `${tenant.toUpperCase()}_SECRET` })),
      },
    },
    tenants: {
      a: { limits: [{ requests: 1_000_000, per: 'month' }] },
      b: {
        limits: [
          { requests: 1_000_000, per: 'month' },
          { tokens: 1_000_000, per: 'day', models: ['served'] },
        ],
      },
      c: { limits: [{ requests: 7, per: 'month' }] },
      d: { concurrency: 3, limits: [{ outputTokens: 100, per: 'month' }] },
    },
    environment: { ...environmentOf(keys), ...secrets },
  })
})
after(async () => {
  await extras?.close()
  await provider?.close()
})

function askAs(tenant: Tenant, model: string, given: PlannedCall = {}) {
  const one = planned(model, given)
  const authorization = `Bearer of-${tenant}`
  const asked = { ...one, headers: { ...one.headers, authorization } }
  return ask(half.port, asked).then((seen) => ({ ...seen, id: one.id }))
}

async function keyOf(tenant: Tenant, session: string): Promise<string | undefined> {
  const { id } = await askAs(tenant, 'shared', { headers: { 'x-outrigger-session': session } })
  return provider.of(id)[0]?.headers.authorization
}

// litellm#38405, litellm#30293
test('calls of one session keep their key', async () => {
  for (const session of ['one', 'two', 'three', 'four']) {
    const used = new Set<string | undefined>()
    for (let at = 0; at < 6; at++) used.add(await keyOf('a', session))
    assert.equal(used.size, 1)
  }
})

test('a session of the same name is another one for another tenant', async () => {
  const sessions = Array.from({ length: 24 }, (_, at) => `session-${at}`)
  const same: boolean[] = []
  for (const session of sessions) {
    same.push((await keyOf('a', session)) === (await keyOf('b', session)))
  }
  // Of eight keys the same one by chance once in eight times, and never 24 times.
  assert.ok(same.includes(false))
})

test('what one tenant uses shows in no answer to another one', async () => {
  const before = await askAs('b', 'shared')
  for (let at = 0; at < 10; at++) await askAs('a', 'shared')
  const later = await askAs('b', 'shared')
  const left = (headers: Readonly<Record<string, unknown>>) =>
    Number(headers['x-ratelimit-remaining-requests'])
  assert.equal(left(before.headers) - left(later.headers), 1)
  assert.deepEqual(Object.keys(later.headers).toSorted(), Object.keys(before.headers).toSorted())
  const text = JSON.stringify([later.headers, later.body])
  for (const word of ['of-a', 'tenant', 'key-']) assert.ok(!text.includes(word), text)
})

// litellm#34732, litellm#40095
test('of many calls at once, the first ones of their tenant, exactly the allowed pass', async () => {
  const seen = await Promise.all(Array.from({ length: 40 }, () => askAs('c', 'shared')))
  const passed = seen.filter(({ status }) => status === 200)
  assert.equal(passed.length, 7)
  assert.equal(seen.filter(({ id }) => provider.of(id).length > 0).length, 7)
})

// litellm#20256, litellm#17323, litellm#27001
test('places and reservations come back, whatever becomes of their calls', async () => {
  const plans = ['ok', '500', 'reset', '400', 'cut', '401']
  for (const plan of plans) {
    const stream = plan === 'cut'
    const seen = await Promise.all(
      Array.from({ length: 9 }, () =>
        askAs('d', 'doomed', { plan, stream, body: { max_tokens: 1 } }),
      ),
    )
    assert.ok(seen.every(({ status }) => status !== 0))
    await untilCalm(half)
  }
  const ends = Array.from({ length: 3 }, () => new AbortController())
  for (const { signal } of ends) {
    const one = planned('doomed', { plan: 'silent', body: { max_tokens: 1 } })
    const headers = {
      ...one.headers,
      authorization: 'Bearer of-d',
      'content-type': 'application/json',
    }
    const url = `http://127.0.0.1:${half.port}${one.path}`
    void fetch(url, { method: 'POST', headers, body: JSON.stringify(one.body), signal }).catch(
      () => undefined,
    )
  }
  for (const end of ends) end.abort()
  await untilCalm(half)
  const seen = await askAs('d', 'doomed', { body: { max_tokens: 1 } })
  assert.ok(!seen.body.includes('tenant-concurrency'), seen.body)
})

// Kong's ai-rate-limiting-advanced warns of it
test('a limit counts by what was served, not by what was asked for', async () => {
  const used = async () => {
    const rows = await series(half, 'outrigger_tenant_limit_used')
    const own = [...rows].find(([labels]) => /tenant="b".*for served/.test(labels))
    return own?.[1] ?? Number.NaN
  }
  const askFor = (model: string, servedBy: string) =>
    askAs('b', model, { headers: { 'x-outrigger-model': servedBy } })
  const earlier = await used()
  assert.equal((await askFor('served', 'shared')).status, 200)
  await untilCalm(half)
  assert.equal(await used(), earlier)
  // As it comes after a fallback.
  assert.equal((await askFor('shared', 'served')).status, 200)
  await untilCalm(half)
  assert.equal(await used(), earlier + billed.input + billed.output)
})

for (const [at, plan] of quotes.entries()) {
  for (const stream of [false, true]) {
    test(`a key that a provider quotes in its ${plan} is shown to nobody, streamed: ${stream}`, async () => {
      const seen = await askAs('a', `quoted-${at}`, {
        plan,
        stream,
        headers: { 'x-outrigger-patience-ms': '50' },
      })
      assert.ok(seen.status >= 400)
      const pages = await Promise.all(
        ['/metrics', '/statusz', '/configz'].map((path) => half.page(path)),
      )
      const places = [seen.body, JSON.stringify(seen.headers), half.output]
      for (const text of [...places, ...pages.map((page) => page.text)]) {
        assert.ok(!text.includes(wireKey(`quoted-${at}`)), text)
      }
    })
  }
}

test('a key that a provider quotes to a question that is only counted is shown to nobody', async () => {
  const one = planned('counted', { plan: '401', headers: { 'anthropic-version': '2023-06-01' } })
  const seen = await ask(counting.port, { ...one, path: '/v1/messages/count_tokens' })
  assert.equal(provider.of(one.id)[0]?.headers['x-api-key'], wireKey('counter'))
  // The key is no caller's: the ambassador cannot count for anybody.
  assert.deepEqual([seen.status, codeIn(seen.body)], [503, 'provider-disabled'])
  const places = [seen.body, JSON.stringify(seen.headers), counting.output]
  for (const text of places) assert.ok(!text.includes(wireKey('counter')), text)
})

// envoyproxy/ai-gateway's quota policy warns of it
test('a limit on a model that nobody serves is a mistake of the configuration', async () => {
  const { mark } = half
  const text = await readFile(half.file, 'utf8')
  assert.ok(text.includes('"models":["served"]'))
  await writeFile(half.file, text.replaceAll('"models":["served"]', '"models":["sreved"]'))
  half.signal('SIGHUP')
  const line = await half.line(({ level }) => level === 'error', mark)
  assert.match(String(line['problems']), /tenants\.b\.limits\[1\]\.models\[0\].*sreved/s)
  // What was in force stays.
  assert.equal((await askAs('b', 'shared')).status, 200)
})
