import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import { type Collector, startCollector } from '../shared/telemetry/collector.ts'
import type { OtlpSpan } from '../shared/telemetry/otlp.ts'
import { ask, question, type Seen } from './client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'
import { chainOf } from './span-tree.ts'

/*
 * All calls are made first, and then both halves end: a half sends what it holds before it exits,
 * so that what has not come by then never will.
 */

const secret = 'canary-of-the-secret'
const prompt = 'canary-of-the-prompt'
const spanOfApplication = 'b7ad6b7169203331'

let provider: Provider
let collector: Collector
const seen = new Map<string, Seen>()

before(async () => {
  provider = await startProvider()
  collector = await startCollector(200)
  const traces = { endpoint: collector.base, ratio: 0 }
  const pair = await startPair({
    provider: provider.port,
    pool: { credentials: [{ name: 'main', secret: 'PROVIDER_KEY' }] },
    ambassador: {
      traces,
      identity: { kind: 'shared-secret', secrets: [{ tenant: 'search', secret: 'PAIR_SECRET' }] },
    },
    sidecar: { traces, secret: 'PAIR_SECRET' },
    tenants: { search: {} },
    environment: { PROVIDER_KEY: `${secret}-1`, PAIR_SECRET: `${secret}-2` },
  })
  try {
    await callAll(pair)
  } finally {
    await pair.close()
  }
})
after(async () => {
  await collector?.close()
  await provider?.close()
})

const messages = [{ role: 'user', content: prompt }]
const chat = {
  path: '/v1/chat/completions',
  body: { model: 'assistant', messages, max_tokens: 20 },
}
const streamed = { ...chat, body: { ...chat.body, stream: true } }
const fault = (text: string) => ({ 'x-sim-fault': text })

/** Each call by the number that its trace's id ends with; all carry a sampled parent but the last. */
const calls = {
  streamed: { ...streamed, headers: { 'x-request-id': 'streamed', tracestate: 'app=1,other=2' } },
  whole: chat,
  embeddings: { path: '/v1/embeddings', body: { model: 'tiny', input: prompt } },
  completions: { path: '/v1/completions', body: { model: 'tiny', prompt, max_tokens: 5 } },
  messages: { ...question('messages', { stream: true, body: { messages } }) },
  refused: { ...streamed, headers: fault('status=503') },
  limited: { ...streamed, headers: fault('status=429') },
  cut: { ...streamed, headers: fault('reset=4') },
  early: { ...streamed, headers: fault('reset=0') },
  inside: { ...streamed, headers: fault('refuse-in-200') },
  unknown: { ...chat, body: { ...chat.body, model: 'none' } },
  lost: { ...chat, path: '/v1/nothing' },
  unsampled: streamed,
} as const
type Name = keyof typeof calls
const names = Object.keys(calls)

const traceOf = (name: Name) => (names.indexOf(name) + 1).toString(16).padStart(32, '0')

async function callAll(pair: Pair): Promise<void> {
  const halves = [pair.sidecar, pair.ambassador]
  await Promise.all(halves.map((half) => half.line(({ msg }) => msg === 'tracing is on')))
  const application = { authorization: `Bearer ${secret}-3`, 'x-api-key': `${secret}-4` }
  const one = async (name: string, trace: object, asked: (typeof calls)[Name]) => {
    const own = 'headers' in asked ? asked.headers : {}
    seen.set(
      name,
      await ask(pair.port, { ...asked, headers: { ...application, ...own, ...trace } }),
    )
  }
  for (const [at, [name, asked]] of Object.entries(calls).entries()) {
    const trace = (at + 1).toString(16).padStart(32, '0')
    const flags = name === 'unsampled' ? '00' : '01'
    await one(name, { traceparent: `00-${trace}-${spanOfApplication}-${flags}` }, asked)
  }
  await one('rootless', {}, streamed)
  const isLocal = new Set(['unknown', 'lost'])
  for (const [name, { headers }] of seen) {
    const call = String(headers['x-outrigger-call'])
    if (!isLocal.has(name)) await pair.linesOf(call)
  }
  for (const half of halves) half.signal('SIGTERM')
  const codes = await Promise.all(halves.map((half) => half.exited()))
  assert.deepEqual(codes, [0, 0])
}

const treeOf = (name: Name) => chainOf(collector.spans, traceOf(name), spanOfApplication)

function threeOf(name: Name): [OtlpSpan, OtlpSpan, OtlpSpan] {
  const [sidecar, ambassador, attempt, ...more] = treeOf(name)
  assert.ok(sidecar && ambassador && attempt && more.length === 0, name)
  return [sidecar, ambassador, attempt]
}

const idOf = (name: Name) => String(seen.get(name)?.headers['x-outrigger-call'])

/** Of a span: what went wrong, as its attribute and as its status. */
const troubleOf = ({ attributes, status }: OtlpSpan) => [attributes[genAi.errorType], status.code]
const fine = [undefined, 0]
const failed = (errorType: string) => [errorType, 2]

test('a streamed call is one tree over the context of the application', () => {
  const [sidecar, ambassador, attempt] = threeOf('streamed')
  assert.deepEqual(
    [sidecar.name, ambassador.name, attempt.name],
    ['POST /v1/chat/completions', 'chat tiny', 'chat tiny'],
  )
  assert.deepEqual([sidecar.kind, ambassador.kind, attempt.kind], [2, 2, 3])
  const all = [sidecar, ambassador, attempt]
  assert.deepEqual(
    all.map(({ resource }) => resource['service.name']),
    ['outrigger-sidecar', 'outrigger-ambassador', 'outrigger-ambassador'],
  )
  assert.deepEqual(
    all.map(({ hasRemoteParent }) => hasRemoteParent),
    [true, true, false],
  )
  for (const span of all) {
    assert.equal(span.traceState, 'app=1,other=2')
    assert.deepEqual(troubleOf(span), fine)
    assert.ok(span.endMs > span.startMs)
  }
  assert.ok(String(sidecar.resource['service.instance.id']).startsWith('sidecar-'))
})

test('the spans of a streamed call have the attributes of the table', () => {
  const [sidecar, ambassador, attempt] = threeOf('streamed')
  assert.deepEqual(sidecar.attributes, {
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'url.path': '/v1/chat/completions',
    'url.scheme': 'http',
    'http.response.status_code': 200,
    'outrigger.call.id': idOf('streamed'),
    'outrigger.dialect': 'chat',
    'outrigger.model.asked': 'assistant',
    'outrigger.attempts': 1,
    'outrigger.outcome': 'ok',
  })
  const {
    [genAi.responseTimeToFirstChunk]: firstChunkS,
    [genAi.usageInputTokens]: input,
    ...others
  } = ambassador.attributes
  const replica = `http://127.0.0.1:${provider.port}`
  assert.deepEqual(others, {
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'url.path': '/v1/chat/completions',
    'url.scheme': 'http',
    'http.response.status_code': 200,
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'vllm',
    'gen_ai.request.model': 'tiny',
    'gen_ai.request.stream': true,
    'gen_ai.response.model': 'tiny',
    'gen_ai.response.finish_reasons': ['length'],
    'gen_ai.usage.output_tokens': 20,
    'gen_ai.usage.cache_read.input_tokens': 0,
    'outrigger.tokens.exact': true,
    'outrigger.tenant': 'search',
    'outrigger.workload': 'shared-secret',
    'outrigger.class': 'interactive',
    'outrigger.call.id': idOf('streamed'),
    'outrigger.attempts': 1,
    'outrigger.replica': replica,
    'outrigger.outcome': 'ok',
  })
  assert.ok(Number(input) > 0 && Number(firstChunkS) > 0)
  assert.deepEqual(attempt.attributes, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'vllm',
    'gen_ai.request.model': 'tiny',
    'gen_ai.request.stream': true,
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': provider.port,
    'outrigger.attempt': 1,
    'outrigger.replica': replica,
  })
})

test('the first content of a stream is an event, and of a whole answer none', () => {
  const [sidecar, ambassador, attempt] = threeOf('streamed')
  const [event] = ambassador.events
  assert.ok(event !== undefined)
  assert.deepEqual([event.name, event.attributes], ['outrigger.first_content', {}])
  assert.ok(event.atMs >= attempt.startMs && event.atMs <= ambassador.endMs)
  assert.deepEqual([sidecar.events.length, ambassador.events.length, attempt.events], [0, 1, []])
  const [, whole] = threeOf('whole')
  assert.deepEqual(whole.events, [])
  assert.equal(whole.attributes[genAi.responseTimeToFirstChunk], undefined)
  assert.equal(whole.attributes[genAi.usageOutputTokens], 20)
})

test('the provider is told of no trace', () => {
  const headers = callOf(provider, 'streamed')?.headers
  assert.ok(headers !== undefined)
  for (const name of ['traceparent', 'tracestate', 'baggage']) {
    assert.equal(headers[name], undefined)
  }
})

test('each surface has its operation', () => {
  const operations = {
    embeddings: ['POST /v1/embeddings', 'embeddings', 'embeddings tiny'],
    completions: ['POST /v1/completions', 'text_completion', 'text_completion tiny'],
    messages: ['POST /v1/messages', 'chat', 'chat tiny'],
  } as const
  for (const name of ['embeddings', 'completions', 'messages'] as const) {
    const [received, operation, named] = operations[name]
    const [sidecar, ambassador, attempt] = threeOf(name)
    assert.deepEqual([sidecar.name, ambassador.name, attempt.name], [received, named, named])
    for (const { attributes } of [ambassador, attempt]) {
      assert.equal(attributes[genAi.operationName], operation)
    }
    const { [genAi.usageInputTokens]: input, [genAi.usageOutputTokens]: output } =
      ambassador.attributes
    assert.ok(Number(input) > 0)
    assert.equal(output, name === 'embeddings' ? undefined : 5)
  }
})

test('a provider that refuses fails the attempt, and the call where it is no 4xx', () => {
  assert.deepEqual(threeOf('refused').map(troubleOf), Array(3).fill(failed('503')))
  const [sidecar, ambassador, attempt] = threeOf('limited').map(troubleOf)
  assert.deepEqual([sidecar, ambassador, attempt], [['429', 0], ['429', 0], failed('429')])
  assert.equal(threeOf('refused')[1].attributes[genAi.usageInputTokens], undefined)
})

test('a stream that breaks off fails its spans, before its first content and after', () => {
  const [sidecar, ambassador, attempt] = threeOf('cut')
  assert.equal(ambassador.attributes[genAi.outcome], 'cut')
  assert.equal(ambassador.attributes[genAi.httpResponseStatusCode], 200)
  assert.equal(ambassador.attributes[genAi.tokensExact], false)
  assert.deepEqual(troubleOf(ambassador), failed('upstream-reset'))
  assert.deepEqual(troubleOf(attempt), failed('upstream-reset'))
  assert.equal(sidecar.attributes[genAi.httpResponseStatusCode], 200)

  assert.deepEqual(threeOf('early').map(troubleOf), [
    failed('502'),
    failed('upstream-reset'),
    failed('upstream-reset'),
  ])
  assert.deepEqual(troubleOf(threeOf('inside')[1]), failed('upstream-refused'))
})

test("what the sidecar refuses is a span of its own, and the caller's error no failure", () => {
  const [unknown, ...more] = treeOf('unknown')
  assert.ok(unknown !== undefined && more.length === 0)
  assert.equal(unknown.name, 'POST /v1/chat/completions')
  assert.deepEqual(troubleOf(unknown), ['model-not-found', 0])
  const [lost] = treeOf('lost')
  assert.deepEqual([lost?.name, lost?.attributes[genAi.httpRoute]], ['POST', undefined])
})

test('an unsampled caller and a ratio of 0 send nothing', () => {
  assert.equal(seen.get('unsampled')?.status, 200)
  assert.equal(seen.get('rootless')?.status, 200)
  assert.deepEqual(treeOf('unsampled'), [])
  const parents = new Set(collector.spans.map(({ traceId }) => traceId))
  assert.equal(parents.size, names.length - 1)
})

test('the collector gets OTLP over HTTP, and nothing of what was asked, answered or proven', () => {
  assert.deepEqual(collector.problems, [])
  const answer = textOf(seen.get('streamed')?.body ?? '')
  assert.ok(answer.length > 20)
  for (const body of collector.bodies) {
    for (const word of [prompt, secret, answer, answer.slice(0, 20)]) {
      assert.ok(!body.includes(word), word)
    }
  }
})

/** The text of a chat stream. */
function textOf(body: string): string {
  const events = body.split('\n\n').filter((event) => event.startsWith('data: {'))
  return events
    .map((event) => JSON.parse(event.slice(6)).choices?.[0]?.delta?.content ?? '')
    .join('')
}
