import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import { drained, type Script, ScriptedCall, type Step } from './scripted-call.ts'

const quota = JSON.stringify({ error: { code: 'credit_balance_exhausted' } })
const takesMs = fc.constantFrom(0, 0, 300, 4_000)

/** Every kind of outcome, and how often it comes. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ status: fc.constantFrom(200, 400, 401, 403, 404, 413, 422), takesMs }),
  fc.record({ status: fc.constantFrom(408, 409, 500, 502, 503, 504, 529), takesMs }),
  fc.record({
    status: fc.constantFrom(429, 503),
    headers: fc.constantFrom([], ['retry-after', '1'], ['retry-after', '40']),
    takesMs,
  }),
  fc.record({ status: fc.constantFrom(402, 429), body: fc.constant(quota) }),
  fc.record({
    error: fc.constantFrom(
      'connect-failed',
      'head-timeout',
      'upstream-reset',
      'upstream-early-end',
      'upstream-garbage',
      'upstream-aborted',
      'first-content-timeout',
      'provider-disabled',
      'no-healthy-replica',
      'upstream-redirect' as const,
    ),
    takesMs,
  }),
)

const script: fc.Arbitrary<Script> = fc.record({
  // Mostly failures: a good head ends a call.
  steps: fc.array(step, { minLength: 12, maxLength: 12 }),
  credentials: fc.constantFrom(['a'], ['a', 'b'], ['a', 'b', 'c', 'd', 'e', 'f']),
  patienceMs: fc.constantFrom(1_000, 10_000, 100_000),
  deadlineMs: fc.constantFrom(5_000, 600_000),
  attemptsBefore: fc.integer({ min: 0, max: 4 }),
  attemptsMax: fc.integer({ min: 5, max: 10 }),
  deposits: fc.integer({ min: 0, max: 8 }),
  limits: fc.record({ unknown: fc.constantFrom('retry', 'leave' as const) }),
})

const walked = new Set(['exhausted', 'dead-credential'])

function checkLaws(call: ScriptedCall, drawn: Script): void {
  const { attempts, outcomes } = call
  const { attemptsBefore = 0, attemptsMax = 0, deposits = 0 } = drawn
  assert.ok(attempts.length <= attemptsMax - attemptsBefore, 'ceiling')
  const limitMs = Math.min(drawn.patienceMs ?? 0, drawn.deadlineMs ?? 0)
  let charged = 0
  const out = new Set<string>()
  for (let at = 1; at < attempts.length; at++) {
    const before = outcomes[at - 1]
    const { credential, atMs } = attempts[at] ?? { credential: '', atMs: 0 }
    const previous = attempts[at - 1]
    assert.ok(before !== undefined && previous !== undefined)
    assert.notEqual(before.kind, 'ok', 'nothing follows a commit')
    assert.ok(!['caller', 'ours', 'misconfigured', 'left'].includes(before.kind), before.kind)
    assert.ok(!(before.kind === 'unknown-outcome' && drawn.limits?.unknown === 'leave'))
    const tookMs = drawn.steps[at - 1]?.takesMs ?? 0
    if (walked.has(before.kind)) {
      out.add(previous.credential)
      // The clock moves by 50 ms; a backoff is longer on average, and any wait past it is one.
      const isFree = !call.outcomes.slice(0, at).some(({ kind }) => kind === 'throttled')
      if (isFree) assert.ok(atMs - previous.atMs <= tookMs + 100, 'no backoff')
    } else charged++
    assert.ok(atMs < limitMs + 50, 'patience and deadline')
    assert.ok(!out.has(credential), 'a dead credential stays out')
    const hasHint = before.hintMs !== undefined && credential === previous.credential
    if (hasHint) assert.ok(atMs >= previous.atMs + tookMs + (before.hintMs ?? 0), 'the hint')
  }
  assert.ok(charged <= deposits + 1, 'budget')
}

test('every sequence of outcomes keeps ceiling, budget, commit point, patience and hints', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (drawn) => {
      const call = new ScriptedCall(drawn)
      const result = await call.run()
      if ('response' in result) await drained(result.response.body)
      else assert.ok(result.error instanceof CallError)
      checkLaws(call, drawn)
      assert.equal(call.outcomes.length, call.attempts.length, 'one verdict an attempt')
      assert.equal(call.ended.length, call.turns, 'every turn ends, once')
      assert.equal(call.bodiesOpen, 0, 'every body is read or released')
      assert.equal(call.clock.pending(), 0, 'no timer is left')
      call.close()
    }),
    { numRuns: 300 },
  )
})

test('whoever leaves at any time ends the call, and nothing is left of it', async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 0, max: 20_000 }), async (drawn, leavesMs) => {
      const call = new ScriptedCall(drawn)
      const left = new CallError('client-left', 'Cannot answer: the caller left')
      const undo = call.clock.after(leavesMs, () => call.context.cancellation.cancel(left))
      const result = await call.run()
      undo()
      const isLate = call.attempts.some(({ atMs }) => atMs > leavesMs + 50)
      assert.equal(isLate, false, 'no attempt after it')
      if ('response' in result) result.response.body.cancel()
      assert.equal(call.ended.length, call.turns)
      assert.equal(call.bodiesOpen, 0)
      assert.equal(call.clock.pending(), 0)
      call.close()
    }),
    { numRuns: 150 },
  )
})
