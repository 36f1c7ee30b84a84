import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventFramer } from '#shared/http/sse.ts'
import { plainEvents } from '../../../ambassador/attempt/plain-events.ts'
import { StreamWatch } from '../../../ambassador/attempt/stream-watch.ts'
import { eventsOf, faultsOf } from '../../pair/responses-grammar.ts'
import { type PlanName, plans, streamOf } from '../../pair/responses-plans.ts'
import { readSample } from '../../simulator/sample.ts'

const watchOf = () => new StreamWatch('responses', false)

/** The stream of a plan in pieces of `sizes`, as the layers see it. */
function watched(text: string, sizes: readonly number[] = [text.length]) {
  const watch = watchOf()
  const framer = new EventFramer()
  const bytes = Buffer.from(text)
  let failure: string | undefined
  let passed = ''
  for (let at = 0, turn = 0; at < bytes.length && failure === undefined; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    const whole = framer.feed(bytes.subarray(at, at + size))
    at += size
    if (whole === undefined) continue
    if (framer.isTorn) {
      watch.inspectTorn(whole)
      passed += whole.toString()
      continue
    }
    const verdict = watch.inspect(whole)
    passed += verdict.pass.toString()
    failure = verdict.failure?.code
  }
  const { contentBytes, contentEvents, finishReason, isTerminated, model, sequence, usage } = watch
  return {
    seen: { finishReason, isTerminated, model, sequence, usage, failure, passed },
    contentBytes,
    contentEvents,
  }
}

const names = Object.keys(plans).filter((name) => name !== 'large') as PlanName[]

test('however a stream is split, it means the same', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.constantFrom(...names), sizes, (name, split) => {
      const text = streamOf(name)
      const { seen } = watched(text)
      const other = watched(text, split).seen
      // Of what comes with a failure in one piece, less is passed on.
      if (seen.failure === undefined) assert.deepEqual(other, seen)
      else assert.deepEqual([other.failure, other.usage], [seen.failure, seen.usage])
    }),
    { numRuns: 200 },
  )
})

test('deltas are told by their bytes, and what is no delta is parsed', () => {
  const [created, , added, , ...rest] = streamOf('text')
    .split(/(?<=\n\n)/)
    .map((event) => Buffer.from(event))
  const deltas = rest.slice(0, 3)
  for (const delta of deltas.slice(0, 1)) assert.equal(plainEvents('responses', delta), 1)
  assert.equal(
    plainEvents('responses', Buffer.concat([...deltas.slice(0, 1), ...deltas.slice(0, 1)])),
    2,
  )
  for (const event of [created, added, ...rest.slice(3)]) {
    assert.ok(event !== undefined)
    assert.equal(plainEvents('responses', event), 0)
    assert.equal(plainEvents('responses', Buffer.concat([...deltas, event])), 0)
  }
})

test('text that looks like events or keys means nothing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        '"response":{"status":"failed"}',
        'event: response.failed\ndata: {}\n\n',
        '.delta"',
        '"error"',
        '"sequence_number":999',
        'response.completed',
      ),
      (delta) => {
        const watch = watchOf()
        const event = (text: string, number: number) => {
          const type = 'response.output_text.delta'
          const data = { type, item_id: 'm', delta: text, sequence_number: number }
          return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
        }
        watch.inspect(event('a', 0))
        const { failure, pass } = watch.inspect(event(delta, 1))
        assert.deepEqual([failure, pass.toString()], [undefined, event(delta, 1).toString()])
        assert.deepEqual([watch.isTerminated, watch.sequence], [false, 2])
      },
    ),
  )
})

test('only deltas count as what was generated: their ends repeat it', () => {
  const { contentEvents, contentBytes } = watched(streamOf('text'), [300])
  const text = Buffer.byteLength(JSON.stringify('Hello, "response.completed" {"error": 1}')) - 2
  // One more for the message that is done.
  assert.equal(contentEvents, 4)
  assert.equal(contentBytes, text)
})

test('usage, model and tier are those of the last event', () => {
  const watch = watchOf()
  const { usage } = plans.text.whole
  const event = (type: string, more: object) =>
    Buffer.from(`data: ${JSON.stringify({ type, response: { model: 'm-1', ...more } })}\n\n`)
  watch.inspect(event('response.created', { service_tier: 'auto', usage: null }))
  watch.inspect(event('response.completed', { status: 'completed', service_tier: 'flex', usage }))
  assert.deepEqual(watch.bill.modifiers, ['flex'])
  assert.equal(watch.bill.usageObject?.['total_tokens'], 42)
  const { input, cached, output, reasoning, isExact } = watch.usage ?? {}
  assert.deepEqual([input, cached, output, reasoning, isExact], [30, 8, 12, 4, true])
  assert.deepEqual([watch.model, watch.isTerminated], ['m-1', true])
})

test('[DONE] alone is no end', () => {
  assert.equal(watched(streamOf('only [DONE]')).seen.isTerminated, false)
  assert.equal(watched(streamOf('with [DONE]')).seen.isTerminated, true)
})

test('a last event too long to be held is the last all the same, with its usage', () => {
  const { seen } = watched(streamOf('large'), [60_000])
  assert.deepEqual([seen.isTerminated, seen.usage?.output, seen.failure], [true, 12, undefined])
  assert.equal(seen.passed === streamOf('large'), true)
})

test('a failure too long to be held is one, and nothing is said behind it', () => {
  const image = 'A'.repeat(1_200_000)
  const response = {
    status: 'failed',
    output: [{ result: image }],
    error: { code: 'server_error' },
  }
  const event = `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response })}\n\n`
  const watch = watchOf()
  const bytes = Buffer.from(event)
  watch.inspectTorn(bytes.subarray(0, 1_100_000))
  const { failure, said, pass } = watch.inspect(bytes.subarray(1_100_000))
  assert.deepEqual([failure?.code, said?.length], ['upstream-failed', 0])
  assert.equal(pass.length, bytes.length - 1_100_000)
})

test('a recorded stream of vLLM has the grammar, and is settled by its end', () => {
  const { body } = readSample('responses_stream')
  assert.deepEqual(faultsOf(`${body}\n`), [])
  assert.equal(eventsOf(`${body}\n`).length, 10)
  const { seen } = watched(`${body.trimEnd()}\n\n`, [700])
  assert.deepEqual(
    [seen.finishReason, seen.model, seen.usage?.input, seen.usage?.output, seen.isTerminated],
    ['max_output_tokens', 'tiny', 24, 3, true],
  )
  assert.equal(seen.sequence, 10)
})
