import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownSignals } from '#ambassador/pool/signals/replica-signals.ts'
import { startReplica } from '#deploy/simulator/server.ts'
import { readSample } from '../../../simulator/sample.ts'
import { pageOf, recordedPage } from './pages.ts'
import { type Route, startPages, startSignals, until } from './stage.ts'

test('what a replica says is there with its age', async (context) => {
  const server = await startPages(context)
  server.routes.set('/metrics', pageOf({ running: 3, waiting: 2, kvUsage: 0.5 }))
  const { signals, clock, turn, told } = startSignals(context)
  const { origin } = server
  assert.equal(signals.of(origin), unknownSignals)
  signals.follow({ origins: [origin] })
  assert.deepEqual([signals.ageMs(origin), signals.view()[0]?.ageMs], [Infinity, undefined])
  await turn(0)
  const { running, waiting, kvUsage } = signals.of(origin)
  assert.deepEqual([running, waiting, kvUsage], [3, 2, 0.5])
  assert.equal(signals.ageMs(origin), 0)
  clock.advance(400)
  assert.deepEqual([signals.ageMs(origin), signals.view()[0]?.ageMs], [400, 400])
  assert.deepEqual(told, [`scrape ${origin} 3`])
})

test('a page that fails, in whatever way, changes nothing but the age', async (context) => {
  const server = await startPages(context)
  const good = pageOf({ running: 3 })
  server.routes.set('/metrics', good)
  const { signals, turn, settings } = startSignals(context, { bytesMax: 10_000 })
  signals.follow({ origins: [server.origin], settings })
  await turn(0)
  const known = signals.of(server.origin)
  const failing: Readonly<Record<string, Route>> = {
    'Cannot read /metrics: status 500': (response) => response.writeHead(500).end(good),
    'Cannot read /metrics: status 404': (response) => response.writeHead(404).end(),
    'Cannot read /metrics: it has none of the metrics of vLLM or SGLang': '<html>login</html>',
    "Cannot read /metrics: it does not say 'vllm:num_requests_waiting'": good.replace(
      /vllm:num_requests_waiting.*/,
      '',
    ),
    'Cannot read the answer: it is too long': good + '#'.repeat(20_000),
    'Cannot read the answer of replica': (response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write(good, () => response.destroy())
    },
  }
  let failures = 0
  for (const [reason, route] of Object.entries(failing)) {
    server.routes.set('/metrics', route)
    await turn()
    const [view] = signals.view()
    assert.equal(view?.failures, ++failures)
    assert.ok(view?.error?.startsWith(reason), String(view?.error))
    assert.equal(signals.of(server.origin), known)
    assert.equal(view?.ageMs, failures * 1_000)
  }
  server.routes.set('/metrics', pageOf({ running: 4 }))
  await turn()
  const [view] = signals.view()
  assert.deepEqual([view?.failures, view?.error, view?.signals.running], [0, undefined, 4])
})

test('a replica that is silent, or drips, is asked once and given up at the limit of time', async (context) => {
  const server = await startPages(context)
  const good = pageOf({ running: 3 })
  server.routes.set('/metrics', good)
  const { signals, clock, turn } = startSignals(context)
  signals.follow({ origins: [server.origin] })
  await turn(0)
  await until(() => server.open() === 0 && server.count('/kv_event_sources') === 1)
  const known = signals.of(server.origin)
  let silent = 0
  let drips: { write(text: string): unknown } | undefined
  server.routes.set('/metrics', (response) => {
    silent++
    if (silent === 1) return
    response.write(good.slice(0, 10))
    drips = response
  })
  clock.advance(1_000)
  await until(() => silent === 1)
  clock.advance(4_999)
  assert.equal(server.open(), 1)
  await turn(1)
  await until(() => server.open() === 0)
  clock.advance(1_000)
  await until(() => drips !== undefined)
  // Each byte is in time, the whole is not.
  for (let byte = 10; byte < 14; byte++) {
    drips?.write(good.slice(byte, byte + 1))
    clock.advance(1_000)
  }
  await turn(1_000)
  assert.equal(silent, 2)
  const [view] = signals.view()
  assert.equal(view?.error, `Cannot read /metrics of replica ${server.origin}: not ended in time`)
  assert.equal(signals.of(server.origin), known)
})

test('a page of more than 2 MB is read piece by piece where the limit allows it', async (context) => {
  const server = await startPages(context)
  const line = `vllm:request_prompt_tokens_bucket{engine="0",le="1.0",model_name="m"} 0.0\n`
  server.routes.set('/metrics', line.repeat(30_000) + pageOf({ running: 7 }))
  const { signals, turn } = startSignals(context)
  signals.follow({ origins: [server.origin] })
  await turn(0)
  assert.equal(signals.of(server.origin).running, 7)
})

test('a server that has started anew is told of before its first page, and its facts are asked again', async (context) => {
  const server = await startPages(context)
  const page = (hits: number) =>
    pageOf({ running: hits }, `vllm:prefix_cache_hits_total{engine="0"} ${hits}`)
  server.routes.set('/metrics', page(5))
  server.routes.set('/version', '{"version":"0.32.0"}')
  const { signals, turn, told } = startSignals(context)
  const { origin } = server
  signals.follow({ origins: [origin] })
  const version = () => signals.view()[0]?.facts.version?.value
  await turn(0)
  await until(() => version() === '0.32.0' && server.count('/kv_event_sources') === 1)
  server.routes.set('/metrics', page(9))
  await turn()
  assert.equal(signals.of(origin).rates?.spanMs, 1_000)
  server.routes.set('/metrics', page(0))
  server.routes.set('/version', '{"version":"0.33.0"}')
  await turn()
  assert.equal(signals.of(origin).rates, undefined)
  assert.deepEqual(told.slice(-3), [
    `scrape ${origin} 9`,
    `restart ${origin}`,
    `scrape ${origin} 0`,
  ])
  while (version() !== '0.33.0') await turn()
})

test('models, version and event sources are asked for at the join and every 30 s, sources once', async (context) => {
  const server = await startPages(context)
  const source = { publisher: 'zmq', endpoint: 'tcp://*:5571', topic: 'kv@b@tiny' }
  server.routes.set('/metrics', recordedPage)
  server.routes.set('/v1/models', readSample('models').body)
  server.routes.set('/version', '{"version":"0.32.0"}')
  server.routes.set('/kv_event_sources', JSON.stringify({ 0: source }))
  const { signals, turn } = startSignals(context)
  const headers = ['authorization', 'Bearer of-the-pool']
  signals.follow({ origins: [server.origin], headers })
  await turn(0)
  const facts = () => signals.view()[0]?.facts
  await until(() => facts()?.eventSources !== undefined)
  assert.deepEqual(facts()?.models?.value.slice(0, 1), [
    { id: 'tiny', parent: undefined, contextTokens: 2_048 },
  ])
  assert.deepEqual(facts()?.eventSources, {
    value: [{ rank: '0', ...source, replayEndpoint: undefined }],
    ageMs: 0,
  })
  // Only what the server guards is asked with its key.
  const keyed = server.asked.filter((_, at) => server.headers[at]?.authorization !== undefined)
  assert.deepEqual(keyed, ['/v1/models'])
  for (let second = 1; second < 30; second++) await turn()
  assert.deepEqual([server.count('/v1/models'), facts()?.models?.ageMs], [1, 29_000])
  await turn()
  await until(() => server.count('/version') === 2 && server.open() === 0)
  assert.deepEqual([server.count('/v1/models'), server.count('/kv_event_sources')], [2, 1])
})

test('a slow answer about models does not make the gauges old', async (context) => {
  const server = await startPages(context)
  server.routes.set('/metrics', pageOf({}))
  server.routes.set('/v1/models', () => {})
  const { signals, turn } = startSignals(context)
  signals.follow({ origins: [server.origin] })
  await turn(0)
  await until(() => server.count('/v1/models') === 1)
  for (let second = 0; second < 3; second++) await turn()
  assert.equal(signals.ageMs(server.origin), 0)
  assert.equal(server.count('/v1/models'), 1)
})

test('who left is forgotten, what was asked of it ends, and a close leaves nothing', async (context) => {
  const [staying, leaving] = [await startPages(context), await startPages(context)]
  staying.routes.set('/metrics', pageOf({ running: 1 }))
  leaving.routes.set('/metrics', pageOf({ running: 2 }))
  const { signals, clock, told } = startSignals(context)
  const both = [staying.origin, leaving.origin]
  signals.follow({ origins: both })
  clock.advance(1_000)
  await until(() => signals.of(leaving.origin).running === 2)
  await until(() => signals.of(staying.origin).running === 1)
  await until(() => [staying, leaving].every((each) => each.count('/kv_event_sources') === 1))
  const known = signals.of(staying.origin)
  leaving.routes.set('/metrics', () => {})
  clock.advance(1_000)
  await until(() => leaving.open() === 1)
  signals.follow({ origins: [staying.origin] })
  await until(() => leaving.open() === 0)
  assert.equal(signals.of(leaving.origin), unknownSignals)
  assert.equal(signals.view().length, 1)
  assert.ok(signals.of(staying.origin).atMs >= known.atMs)
  signals.close()
  assert.deepEqual(signals.view(), [])
  await until(() => clock.pending() === 0)
  const before = told.length
  clock.advance(10_000)
  assert.equal(told.length, before)
})

test('a simulated server is read as it is, idle and with a call', async (context) => {
  const replica = await startReplica({
    blocks: 50,
    blockTokens: 16,
    prefillMs: 0,
    tokenMs: 100,
    answerTokens: 700,
  })
  context.after(() => replica.close())
  const origin = `http://127.0.0.1:${replica.port}`
  const { signals, turn, told } = startSignals(context)
  signals.follow({ origins: [origin] })
  await turn(0)
  await until(() => signals.view()[0]?.facts.version !== undefined)
  const [view] = signals.view()
  assert.equal(view?.facts.version?.value, '0.32.0')
  assert.deepEqual(view?.facts.models?.value, [
    { id: 'llama-3-8b', parent: undefined, contextTokens: 784 },
  ])
  const { running, kvTokens, blockTokens, sleep, models } = signals.of(origin)
  assert.deepEqual([running, kvTokens, blockTokens, sleep], [0, 800, 16, 'awake'])
  assert.deepEqual(models, ['llama-3-8b'])
  const leaving = new AbortController()
  const call = fetch(`${origin}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'llama-3-8b', prompt: 'one two three' }),
    signal: leaving.signal,
  })
  // A page tells of the last step: the call is there once one has ended.
  while (signals.of(origin).running !== 1) await turn()
  leaving.abort()
  await assert.rejects(call)
  while (signals.of(origin).running !== 0) await turn()
  assert.deepEqual(
    told.filter((line, at) => line !== told[at - 1]),
    [0, 1, 0].map((calls) => `scrape ${origin} ${calls}`),
  )
})

test('the load in the head of an answer is taken where the page is old, and tells no page’s other facts', async (context) => {
  const server = await startPages(context)
  server.routes.set('/metrics', pageOf({ running: 5 }))
  const { signals, clock, told, turn } = startSignals(context)
  signals.follow({ origins: [server.origin] })
  await turn(0)
  const before = signals.of(server.origin)
  const report = { running: undefined, waiting: 7, kvUsage: 0.5 }
  clock.advance(400)
  signals.loaded(server.origin, report)
  assert.equal(signals.of(server.origin), before)
  clock.advance(200)
  signals.loaded(server.origin, report)
  const after = signals.of(server.origin)
  assert.deepEqual([after.running, after.waiting, after.kvUsage], [5, 7, 0.5])
  assert.deepEqual([after.kvTokens, signals.ageMs(server.origin)], [before.kvTokens, 0])
  assert.equal(told.length, 2)
  signals.loaded(server.origin, report)
  signals.loaded('http://nobody', report)
  assert.equal(told.length, 2)
})
