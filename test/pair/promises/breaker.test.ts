import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, open, readUntil } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import { until } from '../errors/occupy.ts'
import type { Half, Pair } from '../harness.ts'
import { type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  series,
  standing,
  startTaken,
  untilCalm,
} from './stage.ts'

const keys: readonly Key[] = [
  { name: 'main', models: ['steady', 'streamed', 'reserve', 'healthy'] },
  { name: 'lone', models: ['lone'] },
]
const failures = 5
/** A probe is due so soon that a test can wait for it, and so late that none is due by chance. */
const breaker = { failures, volume: 1_000_000, reset: '10m' }

let provider: PlannedProvider
let extras: Besides
let pair: Pair
/** One whose breaker soon lets a probe through. */
let probing: Half

before(async () => {
  provider = await startPlanned()
  extras = besides(provider.port)
  const pool = openaiPool(provider.port, keys, { retry: { ...eager, attempts: 1 }, breaker })
  const models = {
    tiny: undefined,
    assistant: undefined,
    ...aliases(keys.flatMap((key) => key.models ?? [])),
  }
  const own = { pool, environment: environmentOf(keys), models }
  const soon = openaiPool(provider.port, keys, {
    retry: { ...eager, attempts: 1 },
    breaker: { ...breaker, reset: '100ms' },
  })
  const [first, other] = await Promise.all([
    extras.start('ambassador', own),
    extras.start('ambassador', { ...own, pool: soon }),
  ])
  probing = other
  const chain = ['first', 'pool'].map((name) => ({ provider: name, model: 'reserve' }))
  pair = await startTaken({
    provider: provider.port,
    ...own,
    models: { ...models, chain: { targets: chain } },
    providers: { first: standing(first) },
    sidecar: { connectTimeout: '30s' },
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

/** So many failing calls one after the other; gives how many of them the provider saw. */
async function failing(model: string, count: number): Promise<number> {
  const calls = Array.from({ length: count }, () => planned(model, { plan: '500' }))
  for (const one of calls) assert.ok((await ask(pair.port, one)).status >= 500)
  return calls.filter(({ id }) => provider.of(id).length > 0).length
}

async function stateOf(model: string, half = pair.ambassador): Promise<number | undefined> {
  const rows = await series(half, 'outrigger_ambassador_breaker_state')
  return [...rows].find(([labels]) => labels.includes(`model="${model}"`))?.[1]
}

// litellm PR #34836
test('of 25 failures in a row the provider sees no more than open the breaker', async () => {
  assert.equal(await failing('steady', 25), failures)
  assert.equal(await stateOf('steady'), 2)
  const refused = await ask(pair.port, planned('steady'))
  assert.equal(refused.status, 503)
  assert.match(refused.body, /breaker-open/)
  assert.ok(Number(refused.headers['retry-after']) > 500, String(refused.headers['retry-after']))
})

test('streams that began before an outage neither keep it from being seen nor end it', async () => {
  const running = provider.tap.running
  const streams = await Promise.all(
    Array.from({ length: 4 }, () =>
      open(pair.port, planned('streamed', { stream: true, plan: 'tapped' })),
    ),
  )
  const texts = streams.map((stream) => readUntil(stream, '[DONE]'))
  await until(() => provider.tap.running === running + 4)
  assert.equal(await failing('streamed', 25), failures)
  provider.tap.open()
  // They come to their end all the same.
  await Promise.all(texts)
  await untilCalm(pair.ambassador)
  assert.equal(await stateOf('streamed'), 2)
  assert.equal(await failing('streamed', 5), 0)
})

// litellm#35104
test('the target that calls fall back to has a breaker too', async () => {
  const calls = Array.from({ length: 25 }, () => planned('chain', { plan: '500' }))
  for (const one of calls) assert.ok((await ask(pair.port, one)).status >= 500)
  const seen = calls.map(({ id }) => provider.of(id).length)
  // Each of both targets until its own breaker opened.
  assert.equal(
    seen.reduce((sum, count) => sum + count, 0),
    2 * failures,
  )
  assert.ok(
    seen.slice(failures).every((count) => count === 0),
    String(seen),
  )
  assert.equal(await stateOf('reserve'), 2)
})

test('while an outage lasts, one probe at a time reaches the provider', async () => {
  for (let at = 0; at < failures; at++) await ask(probing.port, planned('steady', { plan: '500' }))
  await until(async () => (await stateOf('steady', probing)) === 1)
  const calls = Array.from({ length: 12 }, () => planned('steady', { plan: 'silent' }))
  const end = new AbortController()
  let refused = 0
  const asking = calls.map(async ({ path, body, headers }) => {
    try {
      const answer = await fetch(`http://127.0.0.1:${probing.port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: end.signal,
      })
      assert.match(await answer.text(), /breaker-open/)
      refused++
    } catch (error) {
      if (!end.signal.aborted) throw error
    }
  })
  await until(() => refused === calls.length - 1)
  // The probe may still be on its way when all others have their answer.
  const seen = () => calls.filter(({ id }) => provider.of(id).length > 0).length
  await until(() => seen() > 0)
  assert.equal(seen(), 1)
  // A probe that leaves has said nothing: the next one is due.
  end.abort()
  await Promise.all(asking)
  await untilCalm(probing)
  await until(async () => (await stateOf('steady', probing)) === 1)
  assert.equal((await ask(probing.port, planned('steady'))).status, 200)
  assert.equal(await stateOf('steady', probing), 0)
  await untilCalm(probing)
})

test('a key that is all a model has is not put aside for doing worse than other keys', async () => {
  for (let at = 0; at < 8; at++) {
    assert.equal((await ask(pair.port, planned('healthy'))).status, 200)
  }
  await failing('lone', failures)
  const seen = await ask(pair.port, planned('lone'))
  // Its breaker says when it comes back.
  assert.match(seen.body, /breaker-open/)
})
