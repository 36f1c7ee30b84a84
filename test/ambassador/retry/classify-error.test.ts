import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { classifyError } from '../../../ambassador/retry/classify-error.ts'
import { rules } from '../../../ambassador/retry/outcome.ts'

const codes = Object.keys(errorTable).filter((code): code is ErrorCode => code in errorTable)
const outcomeOf = (code: ErrorCode, facts = {}) =>
  classifyError(new CallError(code, 'Cannot x: y', facts), { kind: 'anthropic' })

test('a retry is never made of an error whose row forbids a second try', () => {
  for (const code of codes) {
    if (errorTable[code].replay !== 'never') continue
    assert.equal(rules[outcomeOf(code).kind].again, 'never', code)
  }
})

test('what may bill twice by its row may by its outcome, but for the deadline', () => {
  for (const code of codes) {
    if (errorTable[code].origin !== 'upstream') continue
    const isUnknown = errorTable[code].replay === 'unknown'
    assert.equal(rules[outcomeOf(code).kind].mayBillTwice, isUnknown, code)
  }
})

test('a breaker hears of the provider’s failures only', () => {
  for (const code of codes) {
    if (errorTable[code].origin === 'upstream') continue
    assert.equal(rules[outcomeOf(code).kind].breaker, 'none', code)
  }
})

test('a status said inside a 200 counts like a real one', () => {
  assert.equal(outcomeOf('upstream-refused', { upstreamStatus: 529 }).kind, 'overloaded')
  assert.equal(outcomeOf('upstream-refused', { upstreamStatus: 429 }).kind, 'throttled')
  assert.equal(outcomeOf('upstream-failed', { upstreamStatus: 500 }).kind, 'transient')
  assert.equal(outcomeOf('upstream-failed', { upstreamStatus: 400 }).kind, 'caller')
  const quota = { upstreamStatus: 429, upstreamCode: 'insufficient_quota' }
  assert.equal(outcomeOf('upstream-refused', quota).kind, 'exhausted')
})

test('a credential that the call’s own configuration has no value for is out for this call alone', () => {
  assert.deepEqual(outcomeOf('provider-disabled'), {
    kind: 'dead-credential',
    reach: 'call',
    reason: 'provider-disabled',
    hintMs: undefined,
    shouldRetry: undefined,
  })
})
