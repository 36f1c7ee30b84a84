import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { header } from '#shared/http/headers.ts'
import { isFinal, type Told, toldError } from '../../../ambassador/retry/is-final.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { ScriptedCall } from './scripted-call.ts'

const said = { reason: 'x', hintMs: undefined, shouldRetry: undefined }
const throttled = { ...said, kind: 'throttled', dimension: undefined } as const
const told: Told = { unknown: 'retry', waitMs: undefined, attemptsMax: 5 }

test('what was tried as often as may be is final, what lacks room for a named time is not', () => {
  const kinds = ['transient', 'unknown-outcome', 'unsent', 'misconfigured', 'unsupported'] as const
  for (const kind of kinds) {
    assert.ok(isFinal({ ...said, kind }, told), kind)
    assert.ok(isFinal({ ...said, kind }, { ...told, waitMs: 5_000 }), kind)
  }
  const full: readonly Outcome[] = [
    { ...said, kind: 'overloaded' },
    { ...said, kind: 'full' },
  ]
  for (const outcome of full) assert.ok(isFinal(outcome, told))
  for (const outcome of [...full, throttled]) {
    assert.ok(!isFinal(outcome, { ...told, waitMs: 60_000 }))
    assert.ok(isFinal(outcome, { ...told, waitMs: 60_001 }))
  }
  assert.ok(!isFinal(throttled, told))
})

test('what was left because it may bill twice is final, and so is a deadline then', () => {
  for (const kind of ['unknown-outcome', 'left'] as const) {
    assert.ok(isFinal({ ...said, kind }, { ...told, unknown: 'leave' }))
  }
  assert.ok(!isFinal({ ...said, kind: 'left' }, told))
})

test('where nothing is tried twice here, the SDK may, but for what is the same each time', () => {
  const once = { ...told, attemptsMax: 1 }
  assert.ok(!isFinal({ ...said, kind: 'transient' }, once))
  assert.ok(!isFinal({ ...said, kind: 'unknown-outcome' }, once))
  assert.ok(isFinal({ ...said, kind: 'unknown-outcome' }, { ...once, unknown: 'leave' }))
  assert.ok(isFinal({ ...said, kind: 'unsupported' }, once))
})

test('of the caller’s own only what the provider has asked again for is final', () => {
  assert.ok(!isFinal({ ...said, kind: 'caller' }, told))
  assert.ok(isFinal({ ...said, kind: 'caller', shouldRetry: true }, told))
})

test('a refusal of this process is not final: another may have room', () => {
  assert.ok(!isFinal({ ...said, kind: 'ours' }, told))
})

test('an error says it beside its facts, and a limit goes by its own time', () => {
  const broken = new CallError('upstream-reset', 'Cannot x: y', { a: 1 })
  const outcome = { ...said, kind: 'unknown-outcome' } as const
  assert.deepEqual(toldError(broken, outcome, { ...told, unknown: 'leave' }).facts, {
    a: 1,
    isFinal: true,
  })
  const limit = new CallError('rate-limited', 'Cannot x: y', { retryAfterMs: 2_000 })
  const exhausted = { ...said, kind: 'exhausted', reach: 'credential' } as const
  assert.equal(toldError(limit, exhausted, told), limit)
})

const gaveUp = [
  ['its ceiling', { attemptsMax: 2 }],
  ['its budget', { deposits: 0, limits: { budgetPercent: 0 } }],
  ['its patience', { patienceMs: 1, limits: { base: 10_000, max: 10_000 } }],
] as const

for (const [what, script] of gaveUp) {
  test(`a failure given up for ${what} is not to be repeated`, async () => {
    const failed = { status: 500, headers: ['x-should-retry', 'true'] }
    const call = new ScriptedCall({ steps: [failed, failed, failed, failed], ...script })
    const result = await call.run()
    call.close()
    assert.ok('response' in result)
    assert.equal(header(result.response.headers, 'x-should-retry'), 'false')
  })
}

test('a throttled call that found no patience says when, and may be repeated then', async () => {
  const limited = { status: 429, headers: ['retry-after', '20'] }
  const call = new ScriptedCall({ steps: [limited], patienceMs: 1_000 })
  const result = await call.run()
  call.close()
  assert.ok('error' in result && result.error instanceof CallError)
  const { retryAfterMs, isFinal: over } = result.error.facts
  assert.deepEqual([result.error.code, retryAfterMs, over], ['rate-limited', 20_000, undefined])
})

test('an outcome that is left unknown is told as final, answered or not', async () => {
  for (const step of [{ status: 504 }, { status: 408 }, { error: 'upstream-reset' }] as const) {
    const call = new ScriptedCall({ steps: [step, {}], limits: { unknown: 'leave' } })
    const result = await call.run()
    call.close()
    assert.equal(call.attempts.length, 1)
    if ('response' in result) {
      assert.equal(header(result.response.headers, 'x-should-retry'), 'false')
    } else {
      assert.ok(result.error instanceof CallError)
      assert.equal(result.error.facts['isFinal'], true)
    }
  }
})
