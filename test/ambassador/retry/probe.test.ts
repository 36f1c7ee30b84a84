import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import { OneAttempt } from '../../../ambassador/retry/one-attempt.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { bothClocks } from '../breaker/both-clocks.ts'
import { noCredentials } from './scripted-call.ts'

const limits = {
  failures: 1,
  errorPercent: 50,
  volume: 20,
  window: 10_000,
  reset: 5_000,
  slow: 60_000,
}
const retryLimits = {
  attempts: 1,
  base: 1,
  max: 1,
  budgetPercent: 0,
  budgetFloor: 0,
  unknown: 'leave' as const,
}
const snapshot = snapshotOf({ kind: 'openai-compatible', baseUrl: 'http://p/v1' })

/** State of a breaker whose probe met this answer. */
async function afterProbe(t: TestContext, answer: number | CallError): Promise<string> {
  t.mock.timers.reset()
  const { clock, advance, heard } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  const breaker = breakers.of({ credential: 'a', model: 'm' }, limits, 1)
  const first = breaker.admit(undefined)
  if (first.isAdmitted) first.fail('status-500')
  await advance(limits.reset)
  const admission = breaker.admit(undefined)
  assert.ok(admission.isAdmitted)
  let ends = 0
  const parts = {
    provider: () => ({ kind: 'openai' as const, retry: retryLimits, breaker: limits }),
    credentials: noCredentials,
    breakers,
    budget: new RetryBudget(clock),
    onAttempt: () => {},
    onSuperseded: () => {},
    onGiveUp: () => {},
  }
  const turn = { credential: 'a', observe: () => {}, end: () => ends++ }
  const attempt = new OneAttempt(parts, callWith(clock, snapshot), { turn, admission })
  await attempt.run(async () => {
    if (answer instanceof CallError) throw answer
    return { status: answer, headers: ['retry-after', '1'], body: bytesBody(Buffer.from('{}')) }
  })
  await heard()
  assert.equal(ends, 1)
  const { state } = breaker
  breakers.close()
  return state
}

test('a provider that answers a probe is back, whatever it says of the question or the key', async (t) => {
  for (const status of [400, 401, 402, 403, 404, 413, 422, 429]) {
    assert.equal(await afterProbe(t, status), 'closed', String(status))
  }
  const inside = new CallError('upstream-failed', 'Cannot go on: refused', { upstreamStatus: 400 })
  assert.equal(await afterProbe(t, inside), 'closed')
})

test('a probe that fails, is left or was never sent shows nothing of the kind', async (t) => {
  for (const status of [500, 503, 529]) assert.equal(await afterProbe(t, status), 'open')
  for (const code of ['client-left', 'provider-disabled', 'connect-failed'] as const) {
    assert.equal(await afterProbe(t, new CallError(code, 'Cannot x: y')), 'open', code)
  }
})
