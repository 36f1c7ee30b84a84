import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { header } from '#shared/http/headers.ts'
import { drained, type Result, type Script, ScriptedCall } from './scripted-call.ts'

async function run(script: Script) {
  const call = new ScriptedCall(script)
  const result = await call.run()
  call.close()
  return { call, result }
}

function responseOf(result: Result) {
  assert.ok('response' in result, 'an answer')
  return result.response
}

function errorOf(result: Result): CallError {
  assert.ok('error' in result && result.error instanceof CallError)
  return result.error
}

function codeOf(result: Result): string {
  return errorOf(result).code
}

const quota = JSON.stringify({ error: { type: 'insufficient_quota', code: 'insufficient_quota' } })

test('a failure before the commit point is tried again, and the caller sees only the success', async () => {
  const { call, result } = await run({ steps: [{ status: 500 }, { error: 'upstream-early-end' }] })
  assert.equal(responseOf(result).status, 200)
  assert.equal(call.attempts.length, 3)
})

test('a large error answer is let go before the next attempt, and passed whole after the last', async () => {
  const body = 'x'.repeat(100_000)
  const first = await run({ steps: [{ status: 500, body }] })
  assert.equal(responseOf(first.result).status, 200)
  await drained(responseOf(first.result).body)
  assert.equal(first.call.bodiesOpen, 0)
  const last = await run({ steps: [{ status: 500, body }], attemptsMax: 1 })
  assert.equal(await drained(responseOf(last.result).body), body)
})

test('after a good head nothing is tried again, whatever becomes of the body', async () => {
  const { call, result } = await run({ steps: [{ body: 'text', breaks: 'upstream-reset' }] })
  assert.equal(await drained(responseOf(result).body), 'text!upstream-reset')
  assert.equal(call.attempts.length, 1)
  assert.deepEqual(
    call.outcomes.map(({ kind }) => kind),
    ['unknown-outcome'],
  )
})

test('the caller’s own error passes as it came, at once', async () => {
  const body = '{"error":{"message":"bad","type":"invalid_request_error"}}'
  const { call, result } = await run({ steps: [{ status: 400, headers: ['x', 'y'], body }] })
  const response = responseOf(result)
  assert.equal(response.status, 400)
  assert.equal(await drained(response.body), body)
  assert.equal(header(response.headers, 'x'), 'y')
  assert.equal(header(response.headers, 'x-outrigger-replay'), 'never')
  assert.equal(call.attempts.length, 1)
})

test('dead and exhausted credentials are walked at once, outside the budget', async () => {
  const { call, result } = await run({
    steps: [{ status: 401 }, { status: 402 }, { status: 429, body: quota }],
    credentials: ['a', 'b', 'c', 'd'],
    deposits: 0,
    limits: { budgetPercent: 0 },
  })
  assert.equal(responseOf(result).status, 200)
  assert.deepEqual(
    call.attempts.map(({ credential }) => credential),
    ['a', 'b', 'c', 'd'],
  )
  assert.ok(
    call.attempts.every(({ atMs }) => atMs <= 200),
    'time of the attempts themselves',
  )
})

test('without another credential an account that is used up is the answer, in our own words', async () => {
  const { call, result } = await run({ steps: [{ status: 429, body: quota }] })
  const error = errorOf(result)
  assert.deepEqual(
    [error.code, error.row.isLasting, error.row.replay],
    ['provider-exhausted', true, 'safe'],
  )
  assert.equal(error.facts['cause'], '429 insufficient_quota')
  assert.deepEqual([call.gaveUp, call.bodiesOpen], [['no-credential'], 0])
})

test('a provider without a key has no account: its refusal passes as it came', async () => {
  const { result } = await run({ steps: [{ status: 429, body: quota }], credentials: [''] })
  const response = responseOf(result)
  assert.equal(await drained(response.body), quota)
  assert.equal(header(response.headers, 'x-should-retry'), 'false')
  assert.equal(header(response.headers, 'x-outrigger-replay'), 'safe')
})

test('where one key is throttled and another used up, the answer says when there is room', async () => {
  const { result } = await run({
    steps: [{ status: 429, headers: ['retry-after', '90'] }, { status: 402 }],
    credentials: ['a', 'b'],
    patienceMs: 20_000,
  })
  const error = errorOf(result)
  assert.equal(error.code, 'rate-limited')
  assert.ok(Number(error.facts['retryAfterMs']) > 89_000)
})

test('a throttled credential is left for another at once', async () => {
  const { call } = await run({
    steps: [{ status: 429, headers: ['retry-after', '30'] }],
    credentials: ['a', 'b'],
  })
  assert.deepEqual(
    call.attempts.map(({ credential }) => credential),
    ['a', 'b'],
  )
  assert.ok((call.attempts[1]?.atMs ?? Number.POSITIVE_INFINITY) <= 100)
})

test('the only credential is waited for, no earlier than the provider said', async () => {
  const { call, result } = await run({ steps: [{ status: 429, headers: ['retry-after', '2'] }] })
  assert.equal(responseOf(result).status, 200)
  assert.ok((call.attempts[1]?.atMs ?? 0) >= 2_000)
})

test('a wait beyond patience is not waited: the answer says when', async () => {
  const { call, result } = await run({
    steps: [{ status: 429, headers: ['retry-after', '30'] }],
    patienceMs: 20_000,
  })
  const error = errorOf(result)
  assert.deepEqual([error.code, error.row.status], ['rate-limited', 429])
  assert.equal(error.facts['retryAfterMs'], 30_000)
  assert.deepEqual(call.gaveUp, ['time'])
  assert.ok(call.clock.now() < 1_000)
})

test('an overloaded provider that says when is not asked earlier, by any credential', async () => {
  const { call } = await run({
    steps: [{ status: 503, headers: ['retry-after', '3'] }],
    credentials: ['a', 'b'],
  })
  assert.ok((call.attempts[1]?.atMs ?? 0) >= 3_000)
})

test('the ceiling holds over both halves', async () => {
  const failing = Array.from({ length: 9 }, () => ({ status: 500 }))
  const { call, result } = await run({ steps: failing, attemptsBefore: 3, attemptsMax: 5 })
  assert.equal(call.attempts.length, 2)
  assert.equal(responseOf(result).status, 500)
  assert.deepEqual(call.gaveUp, ['ceiling'])
})

test('without budget nothing is retried', async () => {
  const { call } = await run({ steps: [{ status: 500 }], limits: { budgetPercent: 0 } })
  assert.equal(call.attempts.length, 1)
  assert.deepEqual(call.gaveUp, ['budget'])
})

test('what may bill twice follows the configuration', async () => {
  const steps = [{ error: 'head-timeout' as const }]
  assert.equal((await run({ steps })).call.attempts.length, 2)
  const { call, result } = await run({ steps, limits: { unknown: 'leave' } })
  assert.equal(call.attempts.length, 1)
  assert.equal(codeOf(result), 'head-timeout')
})

test('x-should-retry: false of the provider ends it', async () => {
  const { call } = await run({ steps: [{ status: 500, headers: ['x-should-retry', 'false'] }] })
  assert.equal(call.attempts.length, 1)
})

test('a call that is cancelled while it waits ends there, and leaves no timer', async () => {
  const call = new ScriptedCall({ steps: [{ status: 429, headers: ['retry-after', '60'] }] })
  call.clock.after(5_000, () =>
    call.context.cancellation.cancel(new CallError('client-left', 'Cannot answer: caller left')),
  )
  assert.equal(codeOf(await call.run()), 'client-left')
  assert.equal(call.attempts.length, 1)
  assert.equal(call.clock.pending(), 0)
  call.close()
})

const name = { credential: 'a', model: 'm' }

test('an open breaker sends the call to another credential, without an attempt', async () => {
  const call = new ScriptedCall({ steps: [], credentials: ['a', 'b'], breakerFailures: 1 })
  const limits = { failures: 1, errorPercent: 50, volume: 1_000_000 }
  const times = { window: 10_000, reset: 5_000, slow: 60_000 }
  const breaker = call.breakers.of(name, { ...limits, ...times }, 0)
  const admission = breaker.admit(undefined)
  if (admission.isAdmitted) admission.fail('status-500')
  await call.run()
  assert.deepEqual(
    call.attempts.map(({ credential }) => credential),
    ['b'],
  )
  assert.equal(call.turns, 1, 'nobody waits for a turn that the breaker would refuse')
  call.close()
})

test('where every breaker is open nothing is sent, and the error says until when', async () => {
  const { call } = await run({
    steps: [{ status: 500 }, { status: 500 }],
    breakerFailures: 1,
  })
  assert.equal(call.attempts.length, 1, 'the first failure opened it')
  const again = new ScriptedCall({ steps: [], breakerFailures: 1 })
  const limits = { failures: 1, errorPercent: 50, volume: 1_000_000 }
  const times = { window: 10_000, reset: 5_000, slow: 60_000 }
  const breaker = again.breakers.of(name, { ...limits, ...times }, 0)
  const admission = breaker.admit(undefined)
  if (admission.isAdmitted) admission.fail('status-500')
  const result = await again.run()
  assert.equal(codeOf(result), 'breaker-open')
  assert.ok('error' in result && result.error instanceof CallError)
  assert.equal(result.error.facts['retryAfterMs'], 5_000)
  assert.equal(again.attempts.length, 0)
  again.close()
})

test('a defect of ours is thrown as it is and tries nothing again', async () => {
  const call = new ScriptedCall({ steps: [] })
  const broken = new TypeError('x is not a function')
  Object.defineProperty(call.context, 'attempts', {
    get() {
      throw broken
    },
  })
  const result = await call.run()
  assert.ok('error' in result && result.error === broken)
  assert.deepEqual(call.ended, [['a', undefined]])
  call.close()
})
