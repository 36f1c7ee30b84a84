import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamWatch } from '#ambassador/attempt/stream-watch.ts'
import type { AmbassadorCall } from '#ambassador/call.ts'
import { newCall } from '#ambassador/new-call.ts'
import { OutputRatios } from '#ambassador/output-ratios.ts'
import { runsOn, settledUsage } from '#ambassador/settled-usage.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { manualClock } from '../manual-clock.ts'

function call(more: Partial<AmbassadorCall>): AmbassadorCall {
  const cancellation = new Cancellation()
  const opening = { cancellation, clock: manualClock(), snapshot: undefined, tokens: undefined }
  return {
    ...newCall({ ...opening, provider: 'p' }),
    surface: surfaceOf('/v1/responses'),
    background: { id: 'resp_1', outputReserve: 700 },
    inputEstimate: 30,
    attempts: 1,
    mayBeBilled: true,
    ...more,
  }
}

function settled(context: AmbassadorCall, status = 200): readonly [number, number, boolean] {
  const { input, output, isExact } = settledUsage(
    context,
    { status, bytes: 90 },
    new OutputRatios(),
  )
  return [input, output, isExact]
}

function event(type: string, response: object): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, response })}\n\n`)
}

const created = event('response.created', { id: 'resp_1', background: true, status: 'queued' })
const usage = { input_tokens: 12, output_tokens: 5, total_tokens: 17 }

test('a stream in the background that somebody leaves runs on: it is charged what it may use', () => {
  const streamWatch = new StreamWatch('responses', false)
  streamWatch.inspect(created)
  assert.deepEqual(settled(call({ streamWatch })), [30, 700, false])
  assert.deepEqual(settled(call({ streamWatch, outputMax: 90 })), [30, 90, false])
  assert.equal(runsOn(call({ streamWatch }), 200), true)
})

test('one that was followed to its end is charged what it says', () => {
  const streamWatch = new StreamWatch('responses', false)
  streamWatch.inspect(created)
  streamWatch.inspect(event('response.completed', { id: 'resp_1', status: 'completed', usage }))
  const context = call({ streamWatch })
  assert.equal(runsOn(context, 200), false)
  assert.deepEqual(settled(context), [12, 5, true])
})

test('what was refused, or came to no provider, does not run on', () => {
  assert.equal(runsOn(call({}), 500), false)
  assert.deepEqual(settled(call({ attempts: 0 })), [0, 0, true])
  assert.equal(runsOn(call({ background: undefined }), 200), false)
})
