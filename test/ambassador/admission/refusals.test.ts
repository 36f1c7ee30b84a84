import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { manualClock } from '../../manual-clock.ts'
import {
  callers,
  callWith,
  ok,
  snapshotOf,
  stateOf,
  turnOf,
  turnsOf,
  waitingTurn,
} from './stage.ts'

const base = { kind: 'openai', baseUrl: 'http://p/v1' }
const one = { name: 'one', secret: 'K1' }

function stageOf(provider: object) {
  const clock = manualClock()
  const turns = turnsOf(clock)
  const snapshot = snapshotOf({ ...base, credentials: [one], ...provider }, { K1: 'key-one' })
  turns.configure(snapshot, 'p')
  return { clock, turns, call: (other = {}) => callWith(clock, snapshot, other) }
}

function throttled(hintMs: number | undefined): Outcome {
  const said = { reason: 'status-429', hintMs, shouldRetry: undefined }
  return { ...said, kind: 'throttled', dimension: 'tokens' }
}

function rateLimited(action: () => unknown): CallError {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof CallError)
    assert.equal(error.code, 'rate-limited')
    return error
  }
  throw new Error('the call was not refused')
}

test('a 429 said inside a 200, before any head was told of, bars as a real one does', async () => {
  const { clock, turns, call } = stageOf({ limits: { tokens: 100_000 } })
  const turn = turnOf(turns, call())
  const waiting = turnOf(turns, call())
  turn.end(throttled(20_000))
  const error = rateLimited(() => turns.next(call({ patienceUntilMs: 10_000 }), new Set()))
  assert.ok(Number(error.facts['retryAfterMs']) >= 20_000)
  const patient = waitingTurn(turns, call())
  clock.advance(19_900)
  assert.equal(await stateOf(patient), 'waiting')
  clock.advance(5_000)
  assert.equal(await stateOf(patient), 'one')
  waiting.end(ok)
})

test('those who wait hear at once of a 429 said inside a 200', async () => {
  const { turns, call } = stageOf({ limits: { tokens: 10_000 } })
  const turn = turnOf(turns, call({ outputMax: 9_500 }))
  const waiting = waitingTurn(turns, call({ outputMax: 2_000, patienceUntilMs: 40_000 }))
  turn.end(throttled(120_000))
  assert.equal(await stateOf(waiting), 'refused')
})

test('a 429 after content has come is none of this call’s admission', () => {
  const { turns, call } = stageOf({ limits: { tokens: 100_000 } })
  const turn = turnOf(turns, call({ firstContentMs: 5 }))
  turn.observe({ status: 200, headers: [], body: undefined })
  turn.end(throttled(20_000))
  turnOf(turns, call()).end(ok)
})

test('a 429 said inside a 200 whose head was told of bars as one without', async () => {
  const { clock, turns, call } = stageOf({})
  const turn = turnOf(turns, call())
  const headers = ['x-ratelimit-limit-tokens', '60000', 'x-ratelimit-remaining-tokens', '50000']
  turn.observe({ status: 200, headers, body: undefined })
  assert.equal(turns.dimensions.find(({ dimension }) => dimension === 'tokens')?.limit, 60_000)
  turn.end(throttled(20_000))
  const waiting = waitingTurn(turns, call())
  clock.advance(19_900)
  assert.equal(await stateOf(waiting), 'waiting')
})

test('a call that no limit is large enough for is refused without a time to come back at', () => {
  const { turns, call } = stageOf({ limits: { tokens: 60_000 } })
  const error = rateLimited(() => turns.next(call({ outputMax: 80_000 }), new Set()))
  assert.deepEqual(error.facts, {
    provider: 'p',
    reason: 'too-large',
    dimension: 'tokens',
    limit: 60_000,
    requested: 80_000,
    isFinal: true,
  })
})

test('a 429 of its own head is told once', () => {
  const { turns, call } = stageOf({ limits: { tokens: 100_000 } })
  const turn = turnOf(turns, call())
  turn.observe({ status: 429, headers: ['retry-after', '1'], body: undefined })
  turn.end(throttled(60_000))
  const next = turns.next(call({ patienceUntilMs: 5_000 }), new Set())
  assert.ok(next instanceof Promise, 'the head’s second counts')
})

test('a call does not wait into the time that its answer needs before the deadline', async () => {
  const { clock, turns, call } = stageOf({ kind: 'openai-compatible', limits: { concurrency: 1 } })
  for (let answer = 0; answer < 300; answer++) {
    const context = call({ isStream: true })
    const turn = turnOf(turns, context)
    clock.advance(400)
    Object.assign(context, { firstContentMs: 400 })
    turn.end(ok)
  }
  const holder = turnOf(turns, call())
  const beganMs = clock.now()
  const deadlineMs = beganMs + 1_000
  const hasty = { isStream: true, deadlineMs, patienceUntilMs: deadlineMs }
  const waiting = waitingTurn(turns, call(hasty))
  clock.advance(550)
  assert.equal(await stateOf(waiting), 'waiting')
  clock.advance(150)
  assert.equal(await stateOf(waiting), 'refused', 'some 400 ms before its deadline')
  const patient = { isStream: true, deadlineMs: beganMs + 60_000, patienceUntilMs: deadlineMs }
  const other = waitingTurn(turns, call({ ...patient, patienceUntilMs: clock.now() + 1_000 }))
  clock.advance(990)
  assert.equal(await stateOf(other), 'waiting', 'its patience is far from its deadline')
  holder.end(callers)
  assert.equal(await stateOf(other), 'one')
})
