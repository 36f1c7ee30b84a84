import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LogFields } from '#shared/telemetry/access-log.ts'
import { OutputRatios } from '../../ambassador/output-ratios.ts'
import { profileOf } from '../../ambassador/providers/profile.ts'
import { startResilience } from '../../ambassador/resilience.ts'
import type { Outcome } from '../../ambassador/retry/outcome.ts'
import { ambassadorMetrics } from '../../ambassador/telemetry/metrics.ts'
import { manualClock } from '../manual-clock.ts'
import { callWith, dead, exhausted, snapshotOf } from './admission/stage.ts'

const breaker = {
  failures: 1,
  errorPercent: 50,
  volume: 20,
  window: 10_000,
  reset: 5_000,
  slow: 60_000,
}

function setUp(t: TestContext) {
  const clock = manualClock()
  const warned: LogFields[] = []
  const quiet = () => {}
  const resilience = startResilience({
    provider: 'p',
    clock,
    log: {
      debug: quiet,
      info: quiet,
      warn: (fields, message) => void warned.push({ ...fields, message }),
      error: quiet,
      accessLine: quiet,
      setLevel: quiet,
      flush: quiet,
    },
    metrics: ambassadorMetrics().metrics,
    ratios: new OutputRatios(),
    shapeOf: (provider) => profileOf(provider).limitShape,
  })
  t.after(() => resilience.close())
  const { breakers } = resilience.parts
  /** Takes over a configuration in which the credentials have these values. */
  const apply = (generation: number, values: Readonly<Record<string, string>>, more = {}) => {
    const credentials = Object.keys(values).map((name) => ({ name, secret: name.toUpperCase() }))
    const keys = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name.toUpperCase(), value]),
    )
    const snapshot = snapshotOf({ kind: 'openai', credentials, ...more }, keys)
    const numbered = { ...snapshot, generation }
    resilience.apply(numbered)
    return callWith(clock, numbered)
  }
  const trip = (credential: string, generation: number) => {
    const leave = breakers.of({ credential, model: 'm' }, breaker, generation).admit(undefined)
    if (leave.isAdmitted) leave.fail('status-500')
  }
  const open = () => [...breakers.refusing('m').keys()].toSorted()
  return { clock, resilience, breakers, apply, trip, open, warned }
}

test('a replaced secret is a new chance for its breaker, and for no other one', (t) => {
  const { apply, trip, open, breakers } = setUp(t)
  apply(1, { one: 'old', two: 'same' })
  trip('one', 1)
  trip('two', 1)
  assert.deepEqual(open(), ['one', 'two'])
  apply(2, { one: 'new', two: 'same' })
  assert.deepEqual(open(), ['two'])
  assert.deepEqual([breakers.isFormer('one', 1), breakers.isFormer('one', 2)], [true, false])
  assert.equal(breakers.isFormer('two', 1), false)
})

test('another address under the same key is a new chance too', (t) => {
  const { apply, trip, open } = setUp(t)
  apply(1, { one: 'key' }, { baseUrl: 'https://a.example/v1' })
  trip('one', 1)
  apply(2, { one: 'key' }, { baseUrl: 'https://b.example/v1' })
  assert.deepEqual(open(), [])
})

test('a reload that is about something else leaves open breakers open', (t) => {
  const { apply, trip, open } = setUp(t)
  apply(1, { one: 'key' })
  trip('one', 1)
  apply(2, { one: 'key' }, { limits: { requests: 10 } })
  apply(3, { one: 'key', two: 'more' })
  assert.deepEqual(open(), ['one'])
  // Away for a moment, and back as it was.
  apply(4, { two: 'more' })
  apply(5, { one: 'key', two: 'more' })
  assert.deepEqual(open(), ['one'])
})

test('a call that still holds a replaced key neither opens nor asks its successor’s breaker', (t) => {
  const { apply, trip, breakers } = setUp(t)
  apply(1, { one: 'old' })
  const held = breakers.of({ credential: 'one', model: 'm' }, breaker, 1)
  const leave = held.admit(undefined)
  apply(2, { one: 'new' })
  assert.ok(leave.isAdmitted)
  leave.fail('status-500')
  assert.equal(breakers.refusing('m').size, 0)
  trip('one', 2)
  assert.equal(breakers.refusing('m').size, 1)
})

const failed: Outcome = {
  kind: 'transient',
  reason: 'status-500',
  hintMs: undefined,
  shouldRetry: undefined,
}

test('a key that did worse than the others begins anew once it is replaced', (t) => {
  const { apply, resilience } = setUp(t)
  const { credentials } = resilience.parts
  const putAside = () => JSON.stringify(resilience.status()).match(/"putAside":(\[[^\]]*\])/)?.[1]
  const before = apply(1, { one: 'old', two: 'same' })
  const end = (name: string, outcome: Outcome) => {
    const other = name === 'one' ? 'two' : 'one'
    const turn = credentials.next(before, new Set([other]))
    assert.ok(turn !== undefined && !(turn instanceof Promise))
    turn.end(outcome)
  }
  for (let count = 0; count < 5; count++) {
    end('one', failed)
    end('two', { ...failed, kind: 'ok', reason: 'ok' })
  }
  assert.equal(putAside(), '["one"]')
  apply(2, { one: 'old', two: 'same' }, { limits: { requests: 1_000 } })
  assert.equal(putAside(), '["one"]')
  apply(3, { one: 'new', two: 'same' })
  assert.equal(putAside(), '[]')
})

test('the operator reads which key is refused, once in a while', (t) => {
  const { apply, resilience, clock, warned } = setUp(t)
  const call = apply(1, { one: 'key' })
  const note = (outcome: Outcome) => resilience.parts.onAttempt(call, 'one', outcome)
  for (let count = 0; count < 50; count++) note({ ...dead, said: '401 invalid_api_key' })
  const line = { credential: 'one', reach: 'credential', said: '401 invalid_api_key' }
  assert.deepEqual(warned, [{ ...line, message: 'The provider refuses a credential' }])
  clock.advance(30_000)
  note({ ...exhausted, said: '429 insufficient_quota' })
  note(failed)
  assert.equal(warned.length, 2)
})
