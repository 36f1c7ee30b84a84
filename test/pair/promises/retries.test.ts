import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import type { Pair } from '../harness.ts'
import { type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  standing,
  startTaken,
  wireKey,
} from './stage.ts'

/** How attempts fail, one after the other. */
const patterns = [
  '500',
  'reset',
  '503',
  '408',
  '504',
  '529',
  '500 reset 503',
  '429:1',
  '429',
  'silent',
  'abandoned',
]

/** Each model has keys of its own: what one test does to them is nothing to the next. */
const keys: readonly Key[] = [
  { name: 'timed', models: ['timed-429', 'timed-503'] },
  ...patterns.map((_, at) => ({ name: `pattern-${at}`, models: [`pattern-${at}`] })),
  ...['401', '402', '403'].flatMap((status) => [
    { name: `dead-${status}`, models: [`walk-${status}`] },
    { name: `live-${status}`, models: [`walk-${status}`] },
  ]),
  { name: 'full', models: ['rotated'] },
  { name: 'roomy', models: ['rotated'] },
  { name: 'throttled', models: ['patient'] },
  { name: 'held', models: ['impatient'] },
  { name: 'sooner', models: ['two-times'] },
  { name: 'later', models: ['two-times'] },
]
const models = [...new Set(keys.flatMap((key) => key.models ?? []))]
const attemptsMax = 6
const chains = Object.fromEntries(
  patterns.map((_, at) => {
    const targets = ['first', 'second', 'pool'].map((name) => ({
      provider: name,
      model: `pattern-${at}`,
    }))
    return [`chain-${at}`, { targets, fallback: { within: '600ms' } }]
  }),
)

let provider: PlannedProvider
let extras: Besides
let pair: Pair

before(async () => {
  provider = await startPlanned()
  extras = besides(provider.port)
  const pool = openaiPool(provider.port, keys, { retry: eager })
  const environment = environmentOf(keys)
  const own = {
    pool,
    environment,
    models: { tiny: undefined, assistant: undefined, ...aliases(models) },
  }
  const [first, second] = await Promise.all([
    extras.start('ambassador', own),
    extras.start('ambassador', own),
  ])
  pair = await startTaken({
    provider: provider.port,
    ...own,
    models: {
      ...own.models,
      ...chains,
      'chain-abandoned': chains[`chain-${patterns.indexOf('abandoned')}`],
      doubled: { targets: [{ provider: 'both', model: 'pattern-2' }] },
    },
    providers: { first: standing(first), second: standing(second), both: standing(first, second) },
    sidecar: { connectTimeout: '30s', attemptsMax, deadline: '1500ms' },
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

// bifrost#6971
for (const status of [429, 503]) {
  test(`after a ${status} nobody asks again before the time that the provider named`, async () => {
    const one = planned(`timed-${status}`, { plan: `${status}:120 ok` })
    const seen = await ask(pair.ambassador.port, one)
    assert.equal(seen.status, 200, seen.body)
    const arrivals = provider.of(one.id)
    assert.equal(arrivals.length, 2)
    const pausedMs = (arrivals[1]?.atMs ?? 0) - (arrivals[0]?.refusedMs ?? 0)
    assert.ok(pausedMs >= 120, `${pausedMs} ms`)
  })
}

for (const status of ['401', '402', '403']) {
  // bifrost#5876, bifrost#3491
  test(`a key refused with ${status} is passed by at once, for all calls`, async () => {
    provider.refused.set(wireKey(`dead-${status}`), Number(status))
    const calls = Array.from({ length: 8 }, () => planned(`walk-${status}`))
    for (const one of calls) assert.equal((await ask(pair.ambassador.port, one)).status, 200)
    const ofDead = provider.arrivals.filter(
      ({ headers }) => headers.authorization === `Bearer ${wireKey(`dead-${status}`)}`,
    )
    // Put aside with its first refusal; a 403 may be about the one model, and is found out anew.
    assert.ok(ofDead.length <= (status === '403' ? 8 : 1), `${ofDead.length} calls with it`)
    assert.ok(calls.every(({ id }) => provider.of(id).length <= 2))
  })
}

// agentgateway#1500
test('a 429 that says nothing of a time is answered by the other key', async () => {
  const one = planned('rotated', { plan: '429 ok' })
  assert.equal((await ask(pair.ambassador.port, one)).status, 200)
  const used = provider.of(one.id).map(({ headers }) => headers.authorization)
  assert.equal(new Set(used).size, 2)
})

// litellm#3646
test('where all keys are throttled, the call waits as long as its patience allows', async () => {
  const one = planned('patient', { plan: '429:150 ok' })
  const seen = await ask(pair.ambassador.port, one)
  assert.equal(seen.status, 200)
  const [first, next] = provider.of(one.id)
  assert.ok((next?.atMs ?? 0) - (first?.refusedMs ?? 0) >= 150)
})

test('where patience ends before any key is free, the caller is told when one will be', async () => {
  const one = planned('impatient', { plan: '429:40000' })
  const patience = { 'x-outrigger-patience-ms': '500' }
  const body = { ...one, headers: { ...one.headers, ...patience } }
  const seen = await ask(pair.ambassador.port, body)
  assert.equal(seen.status, 429)
  const firstMs = Number(seen.headers['retry-after-ms'])
  assert.ok(firstMs > 39_000 && firstMs <= 40_000, String(firstMs))
  // The next call is not sent at all, and hears of the same time.
  const other = planned('impatient')
  const again = await ask(pair.ambassador.port, {
    ...other,
    headers: { ...other.headers, ...patience },
  })
  assert.deepEqual([again.status, provider.of(other.id).length], [429, 0])
  // By at most a fifth later, by chance.
  const laterMs = Number(again.headers['retry-after-ms'])
  assert.ok(laterMs > 30_000 && laterMs <= 48_000, String(laterMs))
  assert.equal(again.headers['x-outrigger-attempts'], '0')
})

test('of two times that throttled keys named, the caller is told the sooner one', async () => {
  const one = planned('two-times', { plan: '429:5000 429:40000' })
  const patience = { 'x-outrigger-patience-ms': '500' }
  const seen = await ask(pair.ambassador.port, { ...one, headers: { ...one.headers, ...patience } })
  assert.deepEqual([seen.status, provider.of(one.id).length], [429, 2])
  assert.ok(Number(seen.headers['retry-after-ms']) <= 5_000, String(seen.headers['retry-after-ms']))
})

for (const [at, plan] of patterns.entries()) {
  if (plan === 'abandoned') continue
  for (const kind of ['pattern', 'chain']) {
    test(`${kind}: ${plan} is never tried more often than the ceiling allows`, async () => {
      const one = planned(`${kind}-${at}`, { plan })
      const seen = await ask(pair.port, one)
      assert.ok(seen.status >= 400)
      const { length } = provider.of(one.id)
      assert.ok(length >= 1 && length <= attemptsMax, `${length} attempts: ${seen.body}`)
      const told = seen.headers['x-outrigger-attempts']
      // A call whose deadline ends it has heard of no ambassador's attempts.
      if (told !== undefined) assert.equal(told, String(length))
    })
  }
}

test('a stream that is not waited for has one ceiling with the targets behind it', async () => {
  const one = planned('chain-abandoned', { plan: '500 500 500 500 silent', stream: true })
  await ask(pair.port, one)
  const { length } = provider.of(one.id)
  assert.ok(length <= attemptsMax, `${length} attempts`)
})

test('two addresses of one ambassador have one ceiling', async () => {
  const one = planned('doubled', { plan: '503' })
  const seen = await ask(pair.port, one)
  assert.equal(seen.status, 503)
  const { length } = provider.of(one.id)
  assert.ok(length <= attemptsMax, `${length} attempts`)
})
