import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { CallContext } from '#shared/call/context.ts'
import { deadline } from '#shared/call/deadline.ts'
import { stack } from '#shared/call/service.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { manualClock } from '../../manual-clock.ts'

function context(clock: ReturnType<typeof manualClock>): CallContext {
  return {
    clock,
    cancellation: new Cancellation(),
    startedMs: 0,
    snapshot: undefined,
    id: 'call',
    deadlineMs: 1_000,
    error: undefined,
  }
}

const answer: CallResponse = { status: 200, headers: [], body: bytesBody(Buffer.from('x')) }
const below = (respond: () => Promise<CallResponse>) =>
  stack([deadline<string, CallContext>()], respond)

test('the deadline cancels a call whose body still flows', async () => {
  const clock = manualClock()
  const call = context(clock)
  await below(() => Promise.resolve(answer))('question', call)
  clock.advance(999)
  assert.equal(call.cancellation.reason === undefined, true)
  clock.advance(1)
  assert.equal(call.cancellation.reason?.code, 'deadline-exceeded')
})

test('the timer is undone by the end of the body, a drop, and an error', async () => {
  const clock = manualClock()
  const read = await below(() => Promise.resolve(answer))('question', context(clock))
  read.body.pipe({ write: () => true, end: () => {}, fail: () => {} })
  const dropped = await below(() => Promise.resolve(answer))('question', context(clock))
  dropped.body.cancel()
  await assert.rejects(below(() => Promise.reject(new Error('x')))('question', context(clock)))
  assert.equal(clock.pending(), 0)
})
