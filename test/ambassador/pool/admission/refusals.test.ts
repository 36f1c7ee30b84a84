import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AmbassadorCall } from '#ambassador/call.ts'
import { noMeter, type PlacingMeter } from '#ambassador/pool/placing/placing-settings.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { nothing, stageOf, underWay } from '../complaints/stage.ts'
import { settle } from '../placing/stage.ts'

/** Why a call was refused. */
async function refusal(placed: Promise<unknown>): Promise<CallError> {
  const error: unknown = await placed.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof CallError)
  assert.equal(error.code, 'overloaded')
  return error
}

function counting() {
  const refused: string[] = []
  const meter: PlacingMeter = {
    ...noMeter,
    refused: (reason, name) => void refused.push(`${name} ${reason}`),
  }
  return { refused, meter }
}

const promised = { interactive: { ttft: 300 } }

test('a call whose first token cannot be in time is refused at once, with the time of a second try', async (t) => {
  const { refused, meter } = counting()
  const { place, placing } = stageOf(t, 1, { classes: promised, meter })
  // Some second and a half of prefill.
  const first = await place(60_000, 'first')
  const error = await refusal(place(100, 'second'))
  assert.equal(error.facts['reason'], 'ttft')
  assert.equal(error.facts['class'], 'interactive')
  const { retryAfterMs } = error.facts
  assert.ok(typeof retryAfterMs === 'number' && retryAfterMs >= 1_000 && retryAfterMs <= 4_000)
  assert.deepEqual(refused, ['interactive ttft'])
  first.end()
  ;(await place(100, 'third')).end()
  assert.deepEqual(underWay(placing), { ...underWay(placing), ...nothing })
})

test('a class without an objective waits for its patience', async (t) => {
  const { place, caller, placing } = stageOf(t, 1, { classes: promised })
  const first = await place(60_000, 'first')
  const call: AmbassadorCall = caller()
  call.class = 'batch'
  const second = place(100, 'second', call)
  await settle()
  assert.equal(placing.view().waiting.calls, 1)
  first.end()
  ;(await second).end()
})

test('a prompt that alone takes longer than its class allows is served where nobody is before it', async (t) => {
  const { place } = stageOf(t, 1, { classes: promised })
  ;(await place(60_000, 'large')).end()
})

test('who cannot have a replica within its patience is told so at once', async (t) => {
  const { refused, meter } = counting()
  const { place, caller } = stageOf(t, 1, { meter })
  const first = await place(200_000, 'first')
  const error = await refusal(place(100, 'second', caller(500)))
  assert.equal(error.facts['reason'], 'patience')
  assert.match(error.message, /a replica is likely to have room in/)
  assert.deepEqual(refused, ['interactive patience'])
  first.end()
})

test('who waits and can no longer be in time leaves the line then, and not at the end of its patience', async (t) => {
  const { clock, place, placing } = stageOf(t, 1, { classes: { interactive: { ttft: 2_000 } } })
  const first = await place(60_000, 'first')
  const second = refusal(place(100, 'second'))
  await settle()
  assert.equal(placing.view().waiting.calls, 1)
  // The one before it takes far longer than it should.
  clock.advance(2_500)
  const error = await second
  assert.equal(error.facts['reason'], 'ttft')
  assert.equal(placing.view().waiting.calls, 0)
  first.end()
})

test('a call that a replica has failed is let in whatever its class is promised', async (t) => {
  const { place, caller } = stageOf(t, 1, { classes: promised })
  const first = await place(60_000, 'first')
  const again = caller()
  again.replicasTried.push('http://gone:1')
  ;(await place(100, 'again', again)).end()
  first.end()
})

test('a caller that leaves ends the attempt at its replica', async (t) => {
  const { place, caller } = stageOf(t, 1)
  const call = caller()
  const placed = await place(100, 'first', call)
  const left = new CallError('client-left', 'Cannot answer: the caller left')
  call.cancellation.cancel(left)
  assert.equal(placed.cancellation.reason, left)
  placed.end()
})

test('a backlog of one tenant is not before the call of another, which is served next', async (t) => {
  const { place, caller, placing } = stageOf(t, 1)
  const of = (tenant: string, patienceMs: number) => Object.assign(caller(patienceMs), { tenant })
  const first = await place(60_000, 'first')
  const ends = Array.from({ length: 100 }, (_, at) => place(30_000, `many ${at} `, of('many', 1e7)))
  await settle()
  ends.push(place(30_000, 'few', of('few', 60_000)))
  const all = Promise.allSettled(ends)
  await settle()
  assert.equal(placing.view().waiting.calls, 101)
  // Of its own tenant it would have them all before it.
  await refusal(place(30_000, 'more', of('many', 60_000)))
  placing.close()
  first.end()
  await all
})
