import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { replicaClock, until } from '../simulator/client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

async function setUp(t: TestContext, provider: Provider, dispatch: object = { priority: true }) {
  const replicas = {
    addresses: [`http://127.0.0.1:${provider.port}`],
    health: { interval: '1h' },
    signals: { interval: '1h', timeout: '200ms' },
  }
  const pair = await startPair({ provider: 0, pool: { replicas, dispatch } })
  t.after(async () => {
    await pair.close()
    await provider.close()
  })
  return pair
}

interface Asked {
  readonly id: string
  readonly words?: number
  readonly more?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Gives the status of a call whose prompt has so many words. */
async function ask(pair: Pair, { id, words = 1, more = {}, headers = {} }: Asked): Promise<number> {
  const content = Array.from({ length: words }, (_, at) => `${id}${at}`).join(' ')
  const messages = [{ role: 'user', content }]
  const response = await fetch(`http://127.0.0.1:${pair.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'x-request-id': id, ...headers },
    body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages, ...more }),
  })
  await response.text()
  return response.status
}

/** What a replica was told in the body of a call. */
function toldOf(provider: Provider, id: string): unknown {
  return JSON.parse(callOf(provider, id)?.bodyText ?? '{}').priority
}

test('a replica that keeps an order is told one: a short prompt goes before a long one', async (t) => {
  const clock = manualClock()
  const provider = await startProvider({
    clock: replicaClock(clock),
    scheduling: 'priority',
    runningMax: 1,
    tokenMs: 10,
    contextTokensMax: 32_768,
  })
  const pair = await setUp(t, provider)
  const order: string[] = []
  const named = async (asked: Asked) => {
    assert.equal(await ask(pair, asked), 200)
    order.push(asked.id)
  }
  const first = named({ id: 'first' })
  await until(() => provider.gauges().waiting === 1)
  const long = named({ id: 'long', words: 8_000 })
  await until(() => provider.gauges().waiting === 2)
  const short = named({ id: 'short' })
  await until(() => provider.gauges().waiting === 3)
  while (order.length < 3) {
    clock.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all([first, long, short])
  assert.ok(order.indexOf('short') < order.indexOf('long'), order.join())
  assert.ok(Number(toldOf(provider, 'short')) < Number(toldOf(provider, 'long')))
})

test('a replica that refuses the order gets the call without, and is told none again', async (t) => {
  const provider = await startProvider({ refusesPriority: true })
  const pair = await setUp(t, provider)
  assert.equal(await ask(pair, { id: 'one' }), 200)
  const asked = provider.calls().map(({ bodyText }) => JSON.parse(bodyText).priority)
  assert.deepEqual(
    asked.map((priority) => typeof priority),
    ['number', 'undefined'],
  )
  assert.equal(await ask(pair, { id: 'two' }), 200)
  assert.equal(provider.calls().length, 3)
  const statusz = (await pair.ambassador.page('/statusz')).text
  assert.match(statusz, /priority-refused/)
  const line = await pair.ambassador.line(({ msg }) => msg === 'call')
  assert.equal(line['attempts'], 1)
})

test('a refusal of something else that quotes the word is passed on, and teaches nothing', async (t) => {
  const provider = await startProvider({ scheduling: 'priority' })
  const pair = await setUp(t, provider)
  const refused = await ask(pair, { id: 'odd', more: { temperature: -1, priority: 'priority' } })
  assert.equal(refused, 400)
  assert.equal(await ask(pair, { id: 'next' }), 200)
  assert.equal(typeof toldOf(provider, 'next'), 'number')
})

test('no caller sets its own priority, be it asked for or not', async (t) => {
  const provider = await startProvider()
  const pair = await setUp(t, provider, {})
  const headers = { 'x-vllm-priority': '-9' }
  assert.equal(await ask(pair, { id: 'own', more: { priority: -9 }, headers }), 200)
  assert.equal(toldOf(provider, 'own'), 0)
  assert.equal(callOf(provider, 'own')?.headers['x-vllm-priority'], undefined)
  assert.equal(await ask(pair, { id: 'none' }), 200)
  assert.equal(toldOf(provider, 'none'), undefined)
})
