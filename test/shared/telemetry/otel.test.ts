import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTracing as startAmbassador } from '#ambassador/telemetry/otel.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import { formatTraceparent, parseTraceparent } from '#shared/telemetry/traceparent.ts'
import { type DropReason, stopMsMax } from '#shared/telemetry/tracing.ts'
import { startTracing as startSidecar } from '#sidecar/telemetry/otel.ts'
import { manualClock } from '#test/manual-clock.ts'
import { type Collector, startCollector } from './collector.ts'

const halves = { sidecar: startSidecar, ambassador: startAmbassador }

async function collector(t: TestContext, answer: number | 'never'): Promise<Collector> {
  const started = await startCollector(answer)
  t.after(() => started.close())
  return started
}

function options(endpoint: string, dropped: [number, DropReason][] = []) {
  return {
    endpoint,
    ratio: 1,
    keepsFailures: false,
    generation: 'latest' as const,
    instance: 'pod-1',
    // A busy machine must not end a stop early.
    clock: manualClock(),
    onDropped: (spans: number, reason: DropReason) => void dropped.push([spans, reason]),
  }
}

test('both halves send one tree', async (t) => {
  const { endpoint, spans, problems } = await collector(t, 200)
  const sidecar = await startSidecar(options(endpoint))
  const ambassador = await startAmbassador(options(endpoint))
  const caller = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'v=1')

  const call = sidecar.tracer.start('POST', {
    kind: 'server',
    parent: caller,
    startTimeWallMs: 1_800_000_000_000,
    attributes: { [genAi.callId]: 'c1', [genAi.conversationId]: undefined },
  })
  call.rename('chat fast')
  const hop = call.context()
  assert(hop !== undefined)
  assert.equal(hop.tracestate, 'v=1')
  const received = parseTraceparent(formatTraceparent(hop), hop.tracestate)
  const served = ambassador.tracer.start('chat gpt-5', { kind: 'client', parent: received })
  served.set(genAi.responseFinishReasons, ['stop'])
  served.set(genAi.usageInputTokens, 42)
  served.set(genAi.requestStream, true)
  served.event('retry', { attempt: 2 })
  const attempt = ambassador.tracer.start('attempt', { kind: 'internal', parent: served.context() })
  attempt.fail('upstream-reset')
  attempt.end()
  served.end()
  call.end()
  call.set('late', 1)
  await Promise.all([sidecar.stop(), ambassador.stop()])

  assert.deepEqual(problems, [])
  const named = new Map(spans.map((span) => [span.name, span]))
  const [one, two, three] = ['chat fast', 'chat gpt-5', 'attempt'].map((name) => named.get(name))
  assert(one && two && three)
  assert.equal(spans.length, 3)
  assert(spans.every(({ traceId }) => traceId === caller?.traceId))
  assert.deepEqual(
    [one.parentSpanId, two.parentSpanId, three.parentSpanId],
    [caller?.spanId, one.spanId, two.spanId],
  )
  assert.deepEqual([one.kind, two.kind, three.kind], [2, 3, 1])
  assert.equal(one.startMs, 1_800_000_000_000)
  assert.deepEqual(one.attributes, { [genAi.callId]: 'c1' })
  assert.deepEqual(two.attributes, {
    [genAi.responseFinishReasons]: ['stop'],
    [genAi.usageInputTokens]: 42,
    [genAi.requestStream]: true,
  })
  const [retry] = two.events
  assert.deepEqual([retry?.name, retry?.attributes], ['retry', { attempt: 2 }])
  assert.deepEqual(three.attributes, { [genAi.errorType]: 'upstream-reset' })
  assert.deepEqual(three.status, { code: 2 })
  assert.deepEqual(
    [one.resource, two.resource['service.name']],
    [
      { 'service.name': 'outrigger-sidecar', 'service.instance.id': 'pod-1' },
      'outrigger-ambassador',
    ],
  )
})

for (const [half, start] of Object.entries(halves)) {
  test(`${half}: an unsampled caller is followed, and a ratio of 0 traces nothing`, async (t) => {
    const { endpoint, spans } = await collector(t, 200)
    const { tracer, stop } = await start({ ...options(endpoint), ratio: 0 })
    const alone = tracer.start('alone', { kind: 'server' })
    assert.equal(alone.context()?.sampled, false)
    assert.equal(alone.isRecording, false)
    alone.end()
    const sampled = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    tracer.start('followed', { kind: 'server', parent: sampled }).end()
    await stop()
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['followed'],
    )
  })

  test(`${half}: a collector that hangs holds neither spans nor the stop`, async (t) => {
    const { endpoint, first } = await collector(t, 'never')
    const dropped: [number, DropReason][] = []
    const clock = manualClock()
    const { tracer, stop } = await start({ ...options(endpoint, dropped), clock })
    for (let i = 0; i < 10; i++) tracer.start('chat', { kind: 'server' }).end()
    const stopped = stop()
    await first
    clock.advance(stopMsMax)
    await stopped
    assert.equal(clock.pending(), 0)
    tracer.start('chat', { kind: 'server' }).end()
    assert.deepEqual(dropped, [
      [10, 'stopped'],
      [1, 'stopped'],
    ])
  })

  test(`${half}: an absent collector loses spans and nothing else`, async () => {
    const { endpoint, close } = await startCollector(200)
    await close()
    const dropped: [number, DropReason][] = []
    const clock = manualClock()
    const { tracer, stop } = await start({ ...options(endpoint, dropped), clock })
    for (let i = 0; i < 3; i++) tracer.start('chat', { kind: 'server' }).end()
    const stopped = stop()
    clock.advance(stopMsMax)
    await stopped
    assert.equal(
      dropped.reduce((sum, [spans]) => sum + spans, 0),
      3,
    )
  })

  test(`${half}: a collector that refuses is counted`, async (t) => {
    const { endpoint } = await collector(t, 400)
    const dropped: [number, DropReason][] = []
    const { tracer, stop } = await start(options(endpoint, dropped))
    tracer.start('chat', { kind: 'server' }).end()
    await stop()
    assert.deepEqual(dropped, [[1, 'export-failed']])
  })

  test(`${half}: beyond the queue spans are dropped and every one is counted`, async (t) => {
    const { endpoint } = await collector(t, 'never')
    const dropped: [number, DropReason][] = []
    const clock = manualClock()
    const { tracer, stop } = await start({ ...options(endpoint, dropped), clock })
    for (let i = 0; i < 5_000; i++) tracer.start('chat', { kind: 'server' }).end()
    const full = dropped.length
    assert(full >= 5_000 - 2_048 - 512 && dropped.every(([, reason]) => reason === 'queue-full'))
    const stopped = stop()
    clock.advance(stopMsMax)
    await stopped
    assert.equal(
      dropped.reduce((sum, [spans]) => sum + spans, 0),
      5_000,
    )
  })
}
