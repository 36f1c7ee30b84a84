import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fallbackReasons } from '#shared/config/target-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { failureOf, failureOfError } from '../../../sidecar/fallback/reason.ts'
import { answered } from '../sidecar-call.ts'

const reasonOf = (status: number, ...headers: string[]) =>
  failureOf(answered(status, headers), 'safe')?.reason

test('an answer is no failure, whatever its headers say', () => {
  assert.equal(failureOf(answered(200, ['x-outrigger-reason', 'unavailable']), 'safe'), undefined)
})

test('the ambassador’s own word decides, also for a 400', () => {
  for (const reason of fallbackReasons) {
    assert.equal(reasonOf(400, 'x-outrigger-reason', reason), reason)
    assert.equal(reasonOf(503, 'x-outrigger-reason', reason), reason)
  }
})

test('without a word, or with an unknown one, the status decides', () => {
  const seen = [400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]
  assert.deepEqual(
    seen.map((status) => reasonOf(status, 'x-outrigger-reason', 'tired') ?? '-'),
    ['-', '-', '-', '-', 'timeout', '-', '-', 'rate-limited', 'unavailable', 'unavailable'].concat([
      'unavailable',
      'timeout',
      'unavailable',
    ]),
  )
})

test('what says nothing of a second try may bill twice', () => {
  const told = [undefined, 'perhaps', 'safe', 'never', 'unknown'].map(
    (said) => failureOf(answered(503), said)?.replay,
  )
  assert.deepEqual(told, ['unknown', 'unknown', 'safe', 'never', 'unknown'])
})

test('an exchange that fails says so of the target; the caller’s and the call’s own errors do not', () => {
  const failures = Object.keys(errorTable).flatMap((name) => {
    const code = Object.keys(errorTable).find((known): known is ErrorCode => known === name)
    const failure = code && failureOfError(new CallError(code, 'Cannot go on: it is a test'))
    return failure === undefined ? [] : [[name, failure.reason, failure.replay].join(' ')]
  })
  assert.deepEqual(
    failures.filter((line) => !/^(upstream|provider)-|^(first-content|idle)-timeout/.test(line)),
    [
      'context-window-exceeded context-window safe',
      'overloaded unavailable safe',
      'connect-failed unavailable safe',
      'connect-timeout unavailable safe',
      'head-timeout timeout unknown',
    ],
  )
})
