import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { authorize } from '../../../ambassador/identity/authorize.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import { manualClock } from '../../manual-clock.ts'
import { requestOf } from '../../sidecar/sidecar-call.ts'

const maxMs = 60_000
const attemptsMax = 4

const snapshot = (() => {
  const replicas = { addresses: ['http://a:1'] }
  const p = { kind: 'vllm', replicas, retry: { attempts: attemptsMax } }
  const models = { m: { targets: [{ provider: 'p', model: 'm' }] } }
  const ambassador = { deadlineMax: `${maxMs}ms` }
  const loaded = parseConfig(JSON.stringify({ models, ambassador, providers: { p } }), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  return { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
})()

/** The call of a sidecar that says `headers`, in the bounds that it has. */
function hinted(headers: readonly string[]): AmbassadorCall {
  const of = { cancellation: new Cancellation(), clock: manualClock(), provider: 'p' }
  const call: AmbassadorCall = newCall({ ...of, snapshot, tokens: undefined })
  const request = { ...requestOf('{"model":"m"}', headers), path: '/v1/chat/completions' }
  void authorize()(() => new Promise<CallResponse>(() => {}))(request, call)
  return call
}

const deadline = (value: string) => hinted(['x-outrigger-deadline-ms', value]).deadlineMs
const patience = (value: string) => hinted(['x-outrigger-patience-ms', value]).patienceUntilMs
const attempts = (value: string) => {
  const { attemptsBefore, attemptsMax: ceiling } = hinted(['x-outrigger-attempts', value])
  return [attemptsBefore, ceiling]
}

/** What no sidecar writes. */
const hostile = [
  '-1',
  '-0',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e3',
  '0x10',
  '1_000',
  '5, 6',
  '5;6',
  '',
  ' ',
  '٣',
  '1.5',
  'undefined',
  '+5',
]

test('a deadline in digits is obeyed, up to the ambassador’s own', () => {
  assert.equal(deadline('1'), 1)
  assert.equal(deadline('59999'), 59_999)
  for (const huge of ['60001', '9'.repeat(20), '9'.repeat(400)]) assert.equal(deadline(huge), maxMs)
  assert.equal(deadline('0'), maxMs)
  for (const value of hostile) assert.equal(deadline(value), maxMs, value)
})

test('patience in digits is obeyed, up to the deadline', () => {
  assert.equal(patience('0'), 0)
  assert.equal(patience('250'), 250)
  for (const huge of ['60001', '9'.repeat(20), '9'.repeat(400)]) assert.equal(patience(huge), maxMs)
  for (const value of hostile) assert.equal(patience(value), maxMs, value)
  const both = ['x-outrigger-deadline-ms', '100', 'x-outrigger-patience-ms', '5000']
  assert.equal(hinted(both).patienceUntilMs, 100)
})

test('attempts are believed up to the ambassador’s own ceiling, and one is always left', () => {
  assert.deepEqual(attempts('0/6'), [0, 4])
  assert.deepEqual(attempts('2/3'), [2, 3])
  assert.deepEqual(attempts('9/3'), [2, 3])
  assert.deepEqual(attempts('0/0'), [0, 1])
  assert.deepEqual(attempts('9999/9999'), [3, 4])
  for (const value of [...hostile, '99999/99999', '1/-1', '-1/2', '1/2/3', '/', '1/', '/1']) {
    assert.deepEqual(attempts(value), [0, attemptsMax], value)
  }
})

test('of two headers of one name the first counts, and the second undoes no bound', () => {
  const twice = (name: string, one: string, other: string) => hinted([name, one, name, other])
  assert.equal(twice('x-outrigger-deadline-ms', '10', '50000').deadlineMs, 10)
  assert.equal(twice('x-outrigger-deadline-ms', 'NaN', '10').deadlineMs, maxMs)
  assert.equal(twice('x-outrigger-patience-ms', '10', '50000').patienceUntilMs, 10)
  assert.equal(twice('x-outrigger-attempts', '3/4', '0/9').attemptsBefore, 3)
})

test('whatever the headers hold, deadline, patience and attempts stay within their bounds', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.double().map(String),
    fc.bigInt().map(String),
    fc.tuple(fc.integer(), fc.integer()).map(([made, ceiling]) => `${made}/${ceiling}`),
  )
  fc.assert(
    fc.property(value, value, value, (one, other, third) => {
      const names = ['x-outrigger-deadline-ms', 'x-outrigger-patience-ms', 'x-outrigger-attempts']
      const call = hinted([one, other, third].flatMap((text, at) => [names[at] ?? '', text]))
      assert.ok(call.deadlineMs > 0 && call.deadlineMs <= maxMs)
      assert.ok(call.patienceUntilMs >= 0 && call.patienceUntilMs <= call.deadlineMs)
      assert.ok(call.attemptsBefore >= 0 && call.attemptsBefore < call.attemptsMax)
      assert.ok(call.attemptsMax >= 1 && call.attemptsMax <= attemptsMax)
      assert.ok(Number.isInteger(call.attemptsBefore) && Number.isInteger(call.attemptsMax))
    }),
    { numRuns: 150 },
  )
})
