import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closedPort, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair
let admin: string
let probes: string

before(async () => {
  provider = await startProvider()
  const gone = {
    kind: 'vllm',
    replicas: { addresses: ['http://127.0.0.1:1'] },
    address: `127.0.0.1:${await closedPort()}`,
  }
  pair = await startPair({
    provider: provider.port,
    models: {
      chained: {
        rules: [{ when: { class: 'batch' }, targets: [{ refuse: 'no batch today' }] }],
        targets: [
          { provider: 'gone', model: 'gpt-4o', contextWindow: 5 },
          { leastBusy: [{ provider: 'pool', model: 'tiny' }] },
        ],
      },
    },
    providers: { gone },
    sidecar: { count: { wait: '30s' } },
  })
  const ready = await pair.sidecar.line((line) => line['msg'] === 'ready')
  admin = `http://127.0.0.1:${Number(ready['adminPort'])}`
  probes = `http://127.0.0.1:${Number(ready['probesPort'])}`
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const messages = [{ role: 'user', content: 'one two three four five six seven' }]

function explained(body: unknown, headers: object = {}): Promise<Response> {
  const question = { path: '/v1/chat/completions', headers, body }
  return fetch(`${admin}/explain`, { method: 'POST', body: JSON.stringify(question) })
}

test('a sidecar explains where a question would go, and calls no one', async () => {
  const response = await explained({ model: 'chained', messages })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/json')
  const told = JSON.parse(await response.text())
  assert.deepEqual(told.rules, [{ rule: 0, fits: false, because: 'the class is not batch' }])
  const [first, second] = told.order
  assert.deepEqual([first.provider, first.contextWindow], ['gone', 5])
  assert.equal(first.verdict, 'passed over: the question is too long for its window')
  assert.deepEqual([first.counted.exactness, first.counted.tokens > 5], ['formula', true])
  assert.deepEqual([second.provider, second.verdict], ['pool', 'asked'])
  assert.deepEqual(provider.calls(), [])
  const { text } = await pair.sidecar.page('/metrics')
  assert.ok(!/^outrigger_sidecar_(calls|fallbacks)_total\{/m.test(text))
  assert.match(text, /^outrigger_sidecar_calls_in_flight 0$/m)
})

test('headers of the question decide as they would for a call', async () => {
  const response = await explained({ model: 'chained', messages }, { 'X-Outrigger-Class': 'batch' })
  const told = JSON.parse(await response.text())
  assert.deepEqual(told.order, [{ refuse: 'no batch today' }])
})

test('a question that is none is a 400 that says how to ask', async () => {
  const response = await explained('hello')
  assert.equal(response.status, 400)
  assert.match(
    JSON.parse(await response.text()).error,
    /^Cannot explain: 'body' must be the object/,
  )
})

test('a question over 1 MiB is refused, and the next one is answered', async () => {
  const long = { model: 'chained', messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }
  assert.equal((await explained(long)).status, 413)
  assert.equal((await explained({ model: 'chained', messages })).status, 200)
})

test('explaining is asked for with POST, on the loopback’s own port alone', async () => {
  assert.equal((await fetch(`${admin}/explain`)).status, 405)
  assert.equal((await fetch(`${admin}/configz`, { method: 'POST', body: '{}' })).status, 405)
  assert.equal((await fetch(`${probes}/explain`, { method: 'POST', body: '{}' })).status, 404)
  const missing = await fetch(`${admin}/nothing`)
  assert.match(await missing.text(), /there are \/configz, \/statusz, .*\/explain/)
  const head = await fetch(`${admin}/statusz`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
  assert.ok(Number(head.headers.get('content-length')) > 0)
})
