import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { CallContext } from '#shared/call/context.ts'
import { deadline } from '#shared/call/deadline.ts'
import { stack } from '#shared/call/service.ts'
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
    atEnd: [],
  }
}

const below = (respond: () => Promise<string>) =>
  stack([deadline<string, string, CallContext>()], respond)

test('the deadline cancels a call whose body still flows', async () => {
  const clock = manualClock()
  const call = context(clock)
  await below(() => Promise.resolve('answer'))('question', call)
  clock.advance(999)
  assert.equal(call.cancellation.reason === undefined, true)
  clock.advance(1)
  assert.equal(call.cancellation.reason?.code, 'deadline-exceeded')
})

test('the timer is undone at the end of the call, also of one that failed', async () => {
  const clock = manualClock()
  const calls = [context(clock), context(clock)] as const
  await below(() => Promise.resolve('answer'))('question', calls[0])
  await assert.rejects(below(() => Promise.reject(new Error('x')))('question', calls[1]))
  assert.equal(clock.pending(), 2)
  for (const { atEnd } of calls) for (const end of atEnd) end()
  assert.equal(clock.pending(), 0)
})
