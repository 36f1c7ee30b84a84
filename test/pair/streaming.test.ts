import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, open, question, questions, readUntil, spoken } from './client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({ provider: provider.port })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** Ids and times differ from call to call; all else of two equal questions is equal. */
function normal(body: string): string {
  return body.replaceAll(/"id":"[^"]*"/g, '"id":"x"').replaceAll(/"created":\d+/g, '"created":0')
}

const options = { stream_options: { include_usage: true } }

for (const dialect of spoken) {
  const body = dialect === 'messages' ? {} : options

  test(`a stream of ${dialect} is the provider's own, byte for byte`, async () => {
    const asked = question(dialect, { stream: true, body })
    const direct = await ask(provider.port, asked)
    const seen = await ask(pair.port, asked)
    assert.equal(seen.status, 200)
    assert.equal(normal(seen.body), normal(direct.body))
    assert.ok(seen.body.includes(questions[dialect].done))
    assert.equal(seen.headers['content-type'], direct.headers['content-type'])
    assert.equal(seen.headers['trailer'], undefined)
    assert.equal(seen.headers['x-request-id'], asked.id)
    const lines = await pair.linesOf(String(seen.headers['x-outrigger-call']))
    for (const line of [lines.sidecar, lines.ambassador]) {
      assert.equal(line['outcome'], 'ok')
      assert.equal(line['outputTokens'], 5)
      assert.equal(line['tokensExact'], true)
      assert.equal(line['bytesOut'], Buffer.byteLength(seen.body))
    }
  })

  test(`a stream of ${dialect} split at every few bytes has the same bytes`, async () => {
    const whole = await ask(pair.port, question(dialect, { stream: true, body }))
    const split = await ask(pair.port, question(dialect, { stream: true, body, fault: 'split' }))
    assert.equal(normal(split.body), normal(whole.body))
  })

  test(`an answer of ${dialect} that is not streamed keeps bytes and content-length`, async () => {
    const asked = question(dialect)
    const direct = await ask(provider.port, asked)
    const seen = await ask(pair.port, asked)
    assert.equal(seen.status, 200)
    assert.equal(normal(seen.body), normal(direct.body))
    assert.equal(seen.headers['content-length'], String(Buffer.byteLength(seen.body)))
    assert.equal(seen.headers['transfer-encoding'], undefined)
    assert.equal(seen.headers['trailer'], undefined)
  })

  test(`the first event of ${dialect} comes while the provider still writes`, async () => {
    const asked = question(dialect, { stream: true, fault: 'stall=4' })
    const response = await open(pair.port, asked)
    const seen = await readUntil(response, '\n\n')
    assert.ok(seen.endsWith('\n\n'), 'whole events only')
    assert.equal(callOf(provider, asked.id)?.endedBy, 'fault')
    response.destroy()
    await provider.whenIdle()
  })
}

for (const dialect of ['chat', 'completions'] as const) {
  test(`usage that ${dialect} did not ask for is counted and taken out`, async () => {
    const direct = await ask(provider.port, question(dialect, { stream: true, body: options }))
    const seen = await ask(pair.port, question(dialect, { stream: true }))
    const events = normal(direct.body).split(/(?<=\n\n)/)
    const rest = events.filter((event) => !event.includes('"choices":[],'))
    assert.equal(rest.length, events.length - 1)
    assert.equal(normal(seen.body), rest.join(''))
    assert.ok(!seen.body.includes('"usage":{'))
    const { sidecar, ambassador } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
    assert.deepEqual([sidecar['outputTokens'], ambassador['outputTokens']], [5, 5])
  })
}

test('an alias is answered under the model that the provider knows', async () => {
  const asked = question('chat', { body: { model: 'assistant' } })
  const seen = await ask(pair.port, asked)
  assert.equal(seen.status, 200)
  assert.equal(JSON.parse(callOf(provider, asked.id)?.bodyText ?? '').model, 'tiny')
})

test('comments before the first event pass in their order', async () => {
  const seen = await ask(pair.port, question('chat', { stream: true, fault: 'keepalive=2' }))
  assert.ok(seen.body.startsWith(': keep-alive\n\n: keep-alive\n\ndata: {'), seen.body)
  assert.ok(seen.body.endsWith('data: [DONE]\n\n'))
})

test('embeddings pass as they are', async () => {
  const asked = { path: '/v1/embeddings', body: { model: 'tiny', input: 'hello' } }
  const direct = await ask(provider.port, asked)
  const seen = await ask(pair.port, asked)
  assert.equal(normal(seen.body), normal(direct.body))
})
