import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTracing as startAmbassador } from '#ambassador/telemetry/otel.ts'
import { systemClock } from '#shared/call/clock.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import type { Generation } from '#shared/telemetry/generations.ts'
import { parseTraceparent } from '#shared/telemetry/traceparent.ts'
import { startTracing as startSidecar } from '#sidecar/telemetry/otel.ts'
import { startCollector } from './collector.ts'

const halves = { sidecar: startSidecar, ambassador: startAmbassador }

async function tracing(
  t: TestContext,
  start: typeof startSidecar,
  given: { readonly generation?: Generation; readonly ratio?: number } = {},
) {
  const collector = await startCollector(200)
  t.after(() => collector.close())
  const { tracer, stop } = await start({
    endpoint: collector.endpoint,
    ratio: 0,
    keepsFailures: true,
    generation: 'latest',
    instance: 'pod-1',
    clock: systemClock,
    onDropped: (spans) => assert.fail(String(spans)),
    ...given,
  })
  return { tracer, stop, spans: collector.spans }
}

const beganMs = 1_800_000_000_000
const unsampled = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', 'v=1')

for (const [half, start] of Object.entries(halves)) {
  test(`${half}: a call that nobody chose is sent where it fails, and otherwise not`, async (t) => {
    const { tracer, stop, spans } = await tracing(t, start)
    const one = tracer.start('fine', { kind: 'server', parent: unsampled })
    const two = tracer.start('POST', {
      kind: 'server',
      parent: unsampled,
      startTimeWallMs: beganMs,
    })
    assert.deepEqual([one.isRecording, two.isRecording], [false, false])
    assert.deepEqual([one.isDeferred, two.isDeferred], [true, true])
    const told = two.context()
    two.set('early', 1)
    two.remember({
      name: 'attempt',
      kind: 'client',
      attributes: { [genAi.attempt]: 1, absent: undefined },
      startTimeWallMs: beganMs + 100,
      endTimeWallMs: beganMs + 250,
      errorType: '503',
    })
    two.keep()
    two.keep()
    assert.deepEqual([two.isRecording, two.isDeferred, two.context()], [true, false, told])
    two.rename('failed')
    two.fail('upstream-failed')
    one.end()
    one.keep()
    two.end()
    await stop()

    const [failed, attempt] = ['failed', 'attempt'].map((name) =>
      spans.find((span) => span.name === name),
    )
    assert.ok(failed && attempt)
    assert.equal(spans.length, 2)
    assert.deepEqual(
      [failed.traceId, failed.spanId, failed.parentSpanId, failed.traceState],
      [told?.traceId, told?.spanId, unsampled?.spanId, 'v=1'],
    )
    assert.deepEqual(
      [failed.startMs, failed.attributes, failed.status.code],
      [beganMs, { 'error.type': 'upstream-failed' }, 2],
    )
    assert.deepEqual(
      [attempt.traceId, attempt.parentSpanId, attempt.startMs, Math.round(attempt.endMs)],
      [failed.traceId, failed.spanId, beganMs + 100, beganMs + 250],
    )
    assert.deepEqual(attempt.attributes, { 'outrigger.attempt': 1, 'error.type': '503' })
    assert.equal(attempt.hasRemoteParent, false)
  })

  test(`${half}: a call that was chosen is not kept a second time`, async (t) => {
    const { tracer, stop, spans } = await tracing(t, start, { ratio: 1 })
    const span = tracer.start('chosen', { kind: 'server' })
    assert.deepEqual([span.isRecording, span.isDeferred], [true, false])
    span.keep()
    span.end()
    await stop()
    assert.equal(spans.length, 1)
  })

  test(`${half}: spans speak the generation that is configured`, async (t) => {
    const { tracer, stop, spans } = await tracing(t, start, { ratio: 1, generation: 'previous' })
    const attributes = { [genAi.providerName]: 'x_ai' }
    const span = tracer.start('chat', { kind: 'client', attributes })
    span.set(genAi.usageOutputTokens, 5)
    span.set(genAi.inputMessages, '[]')
    span.end()
    await stop()
    assert.deepEqual(spans[0]?.attributes, {
      'gen_ai.system': 'xai',
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.usage.completion_tokens': 5,
      'gen_ai.prompt': '[]',
    })
  })

  test(`${half}: a text is cut at 1,024 characters, what is captured is not`, async (t) => {
    const { tracer, stop, spans } = await tracing(t, start, { ratio: 1 })
    const long = 'x'.repeat(60_000)
    const span = tracer.start('chat', { kind: 'client', attributes: { a: long } })
    span.set('b', long)
    span.set(genAi.outputMessages, long)
    span.end()
    await stop()
    assert.deepEqual(
      Object.values(spans[0]?.attributes ?? {}).map((text) => String(text).length),
      [1_024, 1_024, 60_000],
    )
  })
}
