import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderDouble } from '#deploy/simulator/providers/provider.ts'
import { parseProviderFault } from '#deploy/simulator/providers/provider-fault.ts'
import { ask } from '../client.ts'
import { eventsOf } from '../sample.ts'
import { asked, double, stillClock } from './double.ts'

const path = '/v1/chat/completions'
const stream = { ...asked, stream: true }

function post(provider: ProviderDouble, body: unknown = asked, key = 'good') {
  return ask(provider.port, { path, body, headers: { authorization: `Bearer ${key}` } })
}

async function statuses(provider: ProviderDouble, count: number): Promise<number[]> {
  const seen: number[] = []
  for (let call = 0; call < count; call += 1) seen.push((await post(provider)).status)
  return seen
}

test('a script is followed call by call, then all is well', async (context) => {
  const provider = await double(context)
  provider.script({ faults: ['status=500', 'ok', 'slow-down', 'status=429'] })
  assert.deepEqual(await statuses(provider, 5), [500, 200, 503, 429, 200])
})

test('a fault stands so many times, or always, for one key or one model', async (context) => {
  const provider = await double(context, { keys: ['good', 'other'] })
  provider.script({ faults: ['overloaded'], count: 2, key: 'other' })
  provider.script({ always: 'server-error', model: 'small' })
  assert.equal((await post(provider)).status, 200)
  const small = { ...asked, model: 'small' }
  assert.equal((await post(provider, small)).status, 500)
  assert.equal((await post(provider, asked, 'other')).status, 503)
  assert.equal((await post(provider, asked, 'other')).status, 503)
  assert.equal((await post(provider, asked, 'other')).status, 200)
  provider.script({ always: null, model: 'small' })
  assert.equal((await post(provider, small)).status, 200)
})

test('waits are named in seconds, in milliseconds and as a date', async (context) => {
  const provider = await double(context)
  provider.script({
    faults: [
      'status=429;retry-after=7',
      'slow-down;retry-after-ms=250',
      'status=503;retry-after-date=60',
    ],
  })
  assert.equal((await post(provider)).headers['retry-after'], '7')
  assert.equal((await post(provider)).headers['retry-after-ms'], '250')
  assert.equal((await post(provider)).headers['retry-after'], 'Thu, 01 Jan 2026 00:01:00 GMT')
})

test('a stream can break off, end early, hold garbage or an error, and start late', async (context) => {
  const { clock, delays } = stillClock()
  const provider = await double(context, { clock })
  provider.script({
    faults: [
      'reset=2',
      'cut=300',
      'eof=2',
      'garbage=1',
      'error=2',
      'first-event=700',
      'latency=900',
      'reset=0',
    ],
  })
  assert.equal((await post(provider, stream)).end, 'broken')
  const cut = await post(provider, stream)
  assert.deepEqual([cut.end, Buffer.byteLength(cut.body)], ['broken', 300])
  const early = await post(provider, stream)
  assert.deepEqual([early.end, eventsOf(early.body).length], ['clean', 2])
  assert.match((await post(provider, stream)).body, /garbage/)
  const failed = await post(provider, stream)
  assert.equal(failed.end, 'clean')
  assert.match(failed.body, /\{"error":\{.*"type":"server_error".*\}\}\n\n$/)
  for (let call = 0; call < 2; call += 1) {
    assert.match((await post(provider, stream)).body, /data: \[DONE\]\n\n$/)
  }
  assert.deepEqual(
    delays.filter((ms) => ms > 0),
    [700, 900],
  )
  assert.equal((await post(provider, stream)).status, 0)
})

test('a key loses its credit, its rights and its life, and gets them back', async (context) => {
  const provider = await double(context)
  const seen: number[] = []
  for (const state of [
    'credit-exhausted',
    'spend-limit',
    'forbidden',
    'revoked',
    'active',
  ] as const) {
    provider.script({ key: 'good', state })
    seen.push((await post(provider)).status)
  }
  assert.deepEqual(seen, [429, 429, 403, 401, 200])
})

test('limits change without a word, and fill with the clock', async (context) => {
  const { clock, advance } = stillClock()
  const provider = await double(context, { clock, limits: { requestsPerMinute: 1_000 } })
  assert.equal((await post(provider)).headers['x-ratelimit-limit-requests'], '1000')
  provider.script({ limits: { requestsPerMinute: 1 } })
  const second = await post(provider)
  assert.equal(second.headers['x-ratelimit-limit-requests'], '1')
  assert.equal((await post(provider)).status, 429)
  advance(60_000)
  assert.equal((await post(provider)).status, 200)
})

test('scripted failures count against the limits, as OpenAI says', async (context) => {
  const provider = await double(context, { limits: { requestsPerMinute: 2 } })
  provider.script({ faults: ['server-error'], count: 2 })
  assert.deepEqual(await statuses(provider, 3), [500, 500, 429])
})

test('counting fails apart from answering', async (context) => {
  const provider = await double(context)
  provider.script({ faults: ['server-error'], kind: 'count' })
  const headers = { authorization: 'Bearer good' }
  const count = () =>
    ask(provider.port, { path: '/v1/responses/input_tokens', body: { input: 'hello' }, headers })
  assert.equal((await post(provider)).status, 200)
  assert.deepEqual([(await count()).status, (await count()).status], [500, 200])
  assert.equal(provider.statistics().counts, 2)
})

test('POST /sim/script does the same, and refuses what it cannot read', async (context) => {
  const provider = await double(context)
  const send = async (body: unknown) =>
    (await ask(provider.port, { path: '/sim/script', body })).status
  assert.equal(await send({ faults: ['status=500'], count: 2, key: 'good' }), 200)
  assert.equal(await send({ limits: { requestsPerMinute: 10, models: { small: {} } } }), 200)
  assert.deepEqual(await statuses(provider, 3), [500, 500, 200])
  assert.equal(await send({ key: 'good', state: 'revoked' }), 200)
  assert.deepEqual(await statuses(provider, 1), [401])
  assert.equal(await send({ always: 'status=500' }), 200)
  assert.equal(await send({ clear: true }), 200)
  for (const body of [{}, { faults: ['explode'] }, { key: 'none', state: 'active' }, '[', 7]) {
    assert.equal(await send(body), 400, JSON.stringify(body))
  }
  assert.equal(await send({ limits: { requestsPerMinute: '1' } }), 400)
  const statistics = await ask(provider.port, { path: '/sim/statistics' })
  assert.equal(JSON.parse(statistics.body).unauthorized, 1)
})

test('the grammar of each vendor holds its own failures only', () => {
  assert.ok(parseProviderFault('azure', 'high-demand'))
  assert.ok(parseProviderFault('openai', 'status=429;retry-after=2;latency=5;split'))
  for (const text of [
    'high-demand',
    'abort=2',
    'flood',
    'refuse-in-200',
    '',
    'status=200',
    'ok;ok',
  ]) {
    assert.equal(parseProviderFault('openai', text), null, text)
  }
  assert.equal(parseProviderFault('anthropic', 'slow-down'), null)
})
