import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ask, question, spoken } from './client.ts'
import { type Besides, besides } from './errors/besides.ts'
import { until } from './errors/occupy.ts'
import { type Half, type Provider, startProvider } from './harness.ts'

let provider: Provider
let extras: Besides
let directory: string

before(async () => {
  provider = await startProvider()
  extras = besides(provider.port)
  directory = await mkdtemp(join(tmpdir(), 'outrigger-limits-'))
})
after(async () => {
  await extras?.close()
  await provider?.close()
  await rm(directory, { recursive: true, force: true })
})

const secrets = { A_SECRET: 'of-a', B_SECRET: 'of-b' }
const identity = {
  kind: 'shared-secret',
  secrets: [
    { tenant: 'a', secret: 'A_SECRET' },
    { tenant: 'b', secret: 'B_SECRET' },
  ],
}

function guarded(limits: readonly object[]): Promise<Half> {
  return extras.start('ambassador', {
    ambassador: { identity },
    tenants: { a: { limits }, b: {} },
    environment: secrets,
  })
}

function asked(half: Half, tenant: 'a' | 'b', stream = false) {
  const { path, body, headers } = question('chat', { stream, body: { max_tokens: 5 } })
  const authorization = `Bearer of-${tenant}`
  return ask(half.port, { path, body, headers: { ...headers, authorization } })
}

/** The amount that the last line of the journal has; 0 before there is one. */
async function keptIn(folder: string): Promise<number> {
  const [name] = await readdir(folder)
  const text = name === undefined ? '' : await readFile(join(folder, name), 'utf8')
  return Number(/"(\d+)"\]\]\]\n$/.exec(text)?.[1] ?? 0)
}

async function usedOf(half: Half): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return JSON.parse((await half.page('/statusz')).text)['limits']
}

test('of many calls at once exactly the allowed pass, and the provider has no other', async () => {
  const half = await guarded([{ requests: 25, per: 'day' }])
  const earlier = provider.calls().length
  const seen = await Promise.all(
    Array.from({ length: 60 }, (_, at) => asked(half, 'a', at % 2 > 0)),
  )
  assert.deepEqual(
    [200, 429].map((status) => seen.filter((answer) => answer.status === status).length),
    [25, 35],
  )
  assert.equal(provider.calls().length - earlier, 25)
  const [refused] = seen.filter(({ status }) => status === 429)
  assert.match(refused?.body ?? '', /25/)
  assert.ok(Number(refused?.headers['retry-after']) > 0)
})

test('what a tenant has used is nothing to another one, nor does it hear of it', async () => {
  const half = await guarded([{ requests: 1, per: 'month' }])
  assert.equal((await asked(half, 'a')).status, 200)
  assert.equal((await asked(half, 'a')).status, 429)
  const other = await asked(half, 'b')
  assert.equal(other.status, 200)
  assert.deepEqual(
    Object.keys(other.headers).filter((name) => name.includes('ratelimit')),
    [],
  )
})

test('tokens are settled by what was used, in every dialect, streamed or whole', async () => {
  const half = await extras.start('ambassador', {
    tenants: { local: { limits: [{ tokens: 1_000_000, per: 'day' }] } },
  })
  let due = 0
  for (const dialect of spoken) {
    for (const stream of [true, false]) {
      const seen = await ask(half.port, question(dialect, { stream, body: { max_tokens: 5 } }))
      const call = String(seen.headers['x-outrigger-call'])
      const line = await half.line(({ msg, call: id }) => msg === 'call' && id === call)
      due += Number(line['inputTokens']) + Number(line['outputTokens'])
    }
  }
  const [limit] = await usedOf(half)
  assert.deepEqual([limit?.['limit'], limit?.['used']], ['tokens per day', due])
})

test('a caller that leaves before the head has paid for its question', async () => {
  const half = await extras.start('ambassador', {
    tenants: { local: { limits: [{ inputTokens: 1_000_000, per: 'day' }] } },
  })
  const { path, body, headers, id } = question('chat', { fault: 'stall-head' })
  const end = new AbortController()
  const leaving = fetch(`http://127.0.0.1:${half.port}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: end.signal,
  }).catch(() => undefined)
  await until(() => provider.calls().some((call) => call.headers['x-request-id'] === id))
  end.abort()
  await leaving
  const line = await half.line(({ msg, outcome }) => msg === 'call' && outcome === 'client-left')
  const [limit] = await usedOf(half)
  assert.ok(Number(limit?.['used']) > 0)
  assert.equal(`~${String(limit?.['used'])}`, line['inputTokens'])
})

test('what was used outlives a process that is killed', async () => {
  const options = {
    ambassador: { journal: directory },
    tenants: { local: { limits: [{ requests: 3, per: 'month' }] } },
  }
  const first = await extras.start('ambassador', options)
  for (let at = 0; at < 2; at++) await ask(first.port, question('chat', {}))
  // Written twice a second.
  await until(async () => (await keptIn(directory)) === 2)
  await first.kill()
  const second = await extras.start('ambassador', options)
  const statuses = []
  for (let at = 0; at < 2; at++)
    statuses.push((await ask(second.port, question('chat', {}))).status)
  assert.deepEqual(statuses, [200, 429])
})
