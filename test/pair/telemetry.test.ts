import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type Collector, startCollector } from '../shared/telemetry/collector.ts'
import { ask, question } from './client.ts'
import {
  configOf,
  type Pair,
  type PairOptions,
  type Provider,
  startPair,
  startProvider,
} from './harness.ts'
import { chainOf } from './span-tree.ts'

/*
 * All calls are made first, and then both halves end: a half sends what it holds before it exits,
 * so that what has not come by then never will.
 */

const prompt = 'canary-of-the-prompt ada@example.org'
const spanOfApplication = 'b7ad6b7169203331'
const pages = { statusz: '', readyz: '', metrics: '' }

let provider: Provider
let first: Collector
let second: Collector

before(async () => {
  provider = await startProvider()
  first = await startCollector(200)
  second = await startCollector(200)
  const options = optionsOf({ traces: { endpoint: first.base, ratio: 0 } })
  const pair = await startPair(options)
  try {
    await callAll(pair)
  } finally {
    await pair.close()
  }
})
after(async () => {
  await Promise.all([first?.close(), second?.close(), provider?.close()])
})

type Json = Readonly<Record<string, unknown>>

function optionsOf(ambassador: Json, tenant: Json = {}): PairOptions {
  return {
    provider: provider.port,
    pool: { retry: { attempts: 2, base: '1ms', max: '1ms' } },
    ambassador,
    sidecar: { traces: { endpoint: first.base, ratio: 0 } },
    tenants: { local: tenant },
  }
}

const failing = question('chat', { fault: 'status=503' })
const chat = question('chat', { body: { messages: [{ role: 'user', content: prompt }] } })
const unknown = question('chat', { body: { model: 'none' } })

const traceOf = (at: number) => at.toString(16).padStart(32, '0')
const parentOf = (at: number, flags: '00' | '01') => ({
  traceparent: `00-${traceOf(at)}-${spanOfApplication}-${flags}`,
})

async function callAll(pair: Pair): Promise<void> {
  const halves = [pair.sidecar, pair.ambassador]
  await Promise.all(halves.map((half) => half.line(({ msg }) => msg === 'tracing is on')))
  const one = async (asked: ReturnType<typeof question>, trace: object = {}) => {
    const seen = await ask(pair.port, { ...asked, headers: { ...asked.headers, ...trace } })
    if (asked !== unknown) await pair.linesOf(String(seen.headers['x-outrigger-call']))
    return seen.status
  }
  assert.equal(await one(failing, parentOf(1, '00')), 503)
  assert.equal(await one(failing), 503)
  assert.equal(await one(chat, parentOf(2, '00')), 200)
  assert.equal(await one(unknown, parentOf(3, '00')), 404)
  assert.equal(await one(chat, parentOf(4, '01')), 200)
  await changed(pair, { genAi: 'previous' }, { capture: {} })
  assert.equal(await one(chat, parentOf(5, '01')), 200)
  await changed(pair, { genAi: 'latest' })
  assert.equal(await one(chat, parentOf(6, '01')), 200)
  pages.statusz = (await pair.ambassador.page('/statusz')).text
  pages.readyz = (await pair.ambassador.page('/readyz')).text
  pages.metrics = (await pair.ambassador.page('/metrics')).text
  for (const half of halves) half.signal('SIGTERM')
  assert.deepEqual(await Promise.all(halves.map((half) => half.exited())), [0, 0])
}

/** Another configuration of the ambassador, in force when it has said so. */
async function changed(pair: Pair, ambassador: Json, tenant: Json = {}): Promise<void> {
  const from = pair.ambassador.mark
  const traces = { endpoint: second.base, ratio: 0 }
  const metrics = { endpoint: second.base, interval: '1h' }
  const options = optionsOf({ ...ambassador, traces, metrics }, tenant)
  await writeFile(pair.ambassador.file, JSON.stringify(configOf(options, [])))
  await pair.ambassador.line(({ msg }) => msg === 'tracing is on', from)
  await pair.ambassador.line(({ msg }) => msg === 'metrics are pushed', from)
}

test('a call that fails is one tree of both halves, though nobody chose it', () => {
  const [sidecar, ambassador, ...attempts] = partsOf(traceOf(1))
  assert.ok(sidecar && ambassador)
  assert.deepEqual([sidecar.name, ambassador.name], ['POST /v1/chat/completions', 'chat tiny'])
  assert.deepEqual([sidecar.status.code, ambassador.status.code], [2, 2])
  assert.ok(attempts.length >= 1)
  for (const attempt of attempts) {
    assert.deepEqual(
      [attempt.parentSpanId, attempt.attributes['error.type'], attempt.status.code],
      [ambassador.spanId, '503', 2],
    )
    assert.ok(attempt.startMs >= ambassador.startMs - 1 && attempt.endMs <= ambassador.endMs + 1)
  }
})

/** The spans of one trace: the sidecar's, the ambassador's, and its attempts. */
function partsOf(trace: string) {
  const own = first.spans.filter(({ traceId }) => traceId === trace)
  const below = (parent: string | undefined) => own.filter((span) => span.parentSpanId === parent)
  const [sidecar] = below(spanOfApplication)
  const [ambassador] = below(sidecar?.spanId)
  return [sidecar, ambassador, ...below(ambassador?.spanId)].filter((span) => span !== undefined)
}

test('a failure without a parent is sent too, and neither a success nor a caller’s error is', () => {
  const traces = new Set(first.spans.map(({ traceId }) => traceId))
  for (const at of [2, 3]) assert.ok(!traces.has(traceOf(at)), String(at))
  const known = [1, 2, 3, 4, 5, 6].map(traceOf)
  assert.equal([...traces].filter((trace) => !known.includes(trace)).length, 1)
})

test('endpoint and generation change with the configuration, without a restart', () => {
  const [ambassador] = chainOf(
    [...first.spans, ...second.spans],
    traceOf(5),
    spanOfApplication,
  ).filter(({ resource }) => resource['service.name'] === 'outrigger-ambassador')
  assert.ok(ambassador && second.spans.includes(ambassador))
  assert.equal(ambassador.attributes['gen_ai.system'], 'vllm')
  assert.equal(ambassador.attributes['gen_ai.provider.name'], undefined)
  assert.equal(
    ambassador.attributes['gen_ai.usage.prompt_tokens'],
    ambassador.attributes['gen_ai.usage.input_tokens'],
  )
})

test('words are captured only while the configuration says so, and redacted', () => {
  const holding = [...first.spans, ...second.spans].filter((span) =>
    JSON.stringify(span).includes('canary-of-the-prompt'),
  )
  assert.deepEqual(
    holding.map(({ traceId, name }) => [traceId, name]),
    [[traceOf(5), 'chat tiny']],
  )
  const [span] = holding
  assert.deepEqual(JSON.parse(String(span?.attributes['gen_ai.prompt'])), [
    { role: 'user', parts: [{ type: 'text', content: 'canary-of-the-prompt [redacted]' }] },
  ])
  assert.equal(JSON.parse(String(span?.attributes['gen_ai.completion']))[0].role, 'assistant')
})

test('metrics are pushed as they are scraped', () => {
  assert.deepEqual([...first.problems, ...second.problems], [])
  const pushed = second.bodies.filter((body) => body.includes('resourceMetrics'))
  assert.ok(pushed.some((body) => body.includes('"gen_ai.client.operation.duration"')))
  assert.ok(pushed.every((body) => !body.includes('canary')))
})

test('the process shows its health, and why it is ready', () => {
  assert.equal(pages.readyz, 'ready\n')
  const { waitsFor, process: health } = JSON.parse(pages.statusz)
  assert.deepEqual(waitsFor, [])
  assert.ok(health.memory.anonymous > 2 ** 20 && health.eventLoopMs.max > 0)
  assert.match(pages.metrics, /^nodejs_eventloop_turn_seconds\{quantile="p99"\} [\d.]+$/m)
  for (const text of Object.values(pages)) assert.ok(!text.includes('canary'))
})
