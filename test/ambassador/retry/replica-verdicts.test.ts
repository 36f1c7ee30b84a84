import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { unjudged } from '../../../ambassador/breaker/breaker.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import { OneAttempt } from '../../../ambassador/retry/one-attempt.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { manualClock } from '../../manual-clock.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { drained, noCredentials } from './scripted-call.ts'

const replica = 'http://a:1'
const snapshot = snapshotOf({ kind: 'vllm', replicas: { addresses: [replica] } })
const provider = snapshot.config.providers['p']

/** What a replica hears of an attempt that meets this. */
async function verdicts(met: number | CallError): Promise<string[]> {
  assert.ok(provider !== undefined)
  const clock = manualClock()
  const heard: string[] = []
  const parts = {
    provider: () => provider,
    credentials: noCredentials,
    breakers: new Breakers({ clock, onChange: () => {}, breakersMax: 1 }),
    budget: new RetryBudget(clock),
    onAttempt: () => {},
    onSuperseded: () => {},
    onGiveUp: () => {},
    pool: {
      record: (origin: string, verdict: string) => void heard.push(`${origin} ${verdict}`),
      hasOther: () => false,
      isFailing: false,
    },
  }
  const turn = { credential: '', observe: () => {}, end: () => {} }
  const call = callWith(clock, snapshot)
  const attempted = await new OneAttempt(parts, call, { turn, admission: unjudged }).run(
    async () => {
      call.replica = replica
      if (met instanceof CallError) throw met
      return { status: met, headers: [], body: bytesBody(Buffer.from('{}')) }
    },
  )
  if (attempted.kind === 'committed') await drained(attempted.response.body)
  return heard
}

const failures = ['connect-failed', 'connect-timeout', 'upstream-reset', 'head-timeout'] as const

test('a replica hears of its failures once, whichever way they come', async () => {
  for (const code of failures) {
    const seen = await verdicts(new CallError(code, 'Cannot x: y'))
    assert.deepEqual(seen, [`${replica} failure`], code)
  }
  for (const status of [500, 502, 504]) {
    assert.deepEqual(await verdicts(status), [`${replica} failure`], String(status))
  }
  assert.deepEqual(await verdicts(200), [`${replica} success`])
})

test('a caller’s mistake, a 429, a full queue and a caller that leaves are no verdict', async () => {
  for (const status of [400, 404, 413, 422, 429, 503]) {
    assert.deepEqual(await verdicts(status), [], String(status))
  }
  for (const code of ['client-left', 'no-healthy-replica', 'overloaded'] as const) {
    assert.deepEqual(await verdicts(new CallError(code, 'Cannot x: y')), [], code)
  }
})
