import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import type { SidecarCall } from '../../../sidecar/call.ts'
import { fails, following, models, type Serve, serves } from './following.ts'

interface Turn {
  readonly turnMs: number | undefined
  readonly attemptsUntil: number
}

/** What each target was told, before it failed in `way`. */
async function turnsOf(
  given: { readonly rules?: object; readonly isStream?: boolean },
  way: Serve = () => fails('unavailable'),
) {
  const turns: Turn[] = []
  const serve: Serve = (call, request) => {
    turns.push({ turnMs: call.turnMs, attemptsUntil: call.attemptsUntil })
    return way(call, request)
  }
  const { send, followed } = following({
    chain: { a: serve, b: serve, c: serve },
    rules: { within: 30_000, ...given.rules },
    change(call: SidecarCall) {
      call.isStream = given.isStream ?? false
    },
  })
  await send().catch(() => undefined)
  return { turns, followed }
}

test('a stream has its share of the time to begin, the last target the rest', async () => {
  const { turns } = await turnsOf({ isStream: true })
  assert.deepEqual(
    turns.map(({ turnMs }) => turnMs),
    [10_000, 15_000, undefined],
  )
})

test('an answer that is not streamed is given up only after what the configuration names', async () => {
  assert.equal((await turnsOf({})).turns[0]?.turnMs, undefined)
  assert.equal((await turnsOf({ rules: { whole: 90_000 } })).turns[0]?.turnMs, 90_000)
})

test('a target that nobody stands in for is not given up', async () => {
  const left = await turnsOf({ isStream: true, rules: { unknown: 'leave' } })
  assert.equal(left.turns[0]?.turnMs, undefined)
  const slow = await turnsOf({ isStream: true, rules: { on: ['unavailable'] } })
  assert.equal(slow.turns[0]?.turnMs, undefined)
})

test('each target has an equal share of the tries, and what one leaves is the others’', async () => {
  const { turns } = await turnsOf({}, (call) => {
    call.providerAttempts += 1
    return fails('unavailable')
  })
  // Of six: two for the first, who needs one; three of the five left for the next; then all.
  assert.deepEqual(
    turns.map(({ attemptsUntil }) => attemptsUntil),
    [2, 4, 6],
  )
})

test('a target that was given up may have used up all of its tries', async () => {
  const { turns, followed } = await turnsOf({ isStream: true }, () => {
    throw new CallError('head-timeout', 'Cannot go on: x')
  })
  assert.deepEqual(
    turns.map(({ attemptsUntil }) => attemptsUntil),
    [2, 4, 6],
  )
  assert.deepEqual([models(followed), followed.call.providerAttempts], ['a b c', 6])
})

test('one that could not be reached has used none', async () => {
  const { followed } = await turnsOf({}, () => {
    throw new CallError('connect-failed', 'Cannot go on: x')
  })
  assert.equal(followed.call.providerAttempts, 0)
  const { send } = following({ chain: { a: serves } })
  assert.equal((await send()).status, 200)
})

test('a stream may wait for half of its turn, or for all but twice what its target takes to begin', async () => {
  const { send, followed } = following({
    chain: { a: () => fails('unavailable'), b: serves },
    rules: { within: 20_000 },
    change(call: SidecarCall) {
      call.isStream = true
    },
  })
  const [first] = followed.call.chain
  assert.ok(first !== undefined && 'provider' in first)
  await send()
  assert.equal(followed.asked[0]?.patienceMs, 5_000)
  const again = following({
    chain: { a: () => fails('unavailable'), b: serves },
    rules: { within: 20_000 },
    change(call: SidecarCall) {
      call.isStream = true
    },
  })
  again.followed.signals.of(first).observe(1_000, again.followed.clock.now())
  await again.send()
  assert.equal(again.followed.asked[0]?.patienceMs, 8_000)
})
