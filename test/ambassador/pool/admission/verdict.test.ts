import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Forecast } from '#ambassador/pool/admission/ttft-forecast.ts'
import { missedBy, refusal, retryAfterMs } from '#ambassador/pool/admission/verdict.ts'

const spread = { low: 0.5, middle: 1, high: 2 }
const work = { blocks: 1, plainMs: 10 }

function forecast(waitMs: number, ttftMs: number, aloneMs = 100): Forecast {
  return { waitMs, ttftMs, aloneMs, work }
}

const bounds = { class: 'interactive', arrivedMs: 0, ttftMs: 2_000, patienceUntilMs: 60_000 }

test('a call that is in time if its forecast errs luckily is let in', () => {
  assert.equal(missedBy(forecast(0, 3_900), bounds, { spread, nowMs: 0 }), undefined)
  assert.equal(missedBy(forecast(0, 4_100), bounds, { spread, nowMs: 0 })?.reason, 'ttft')
})

test('what it has waited counts', () => {
  assert.equal(missedBy(forecast(0, 3_900), bounds, { spread, nowMs: 500 })?.reason, 'ttft')
})

test('a prompt that alone takes longer than its class allows may take twice that', () => {
  const large = forecast(0, 9_900, 5_000)
  assert.equal(missedBy(large, bounds, { spread, nowMs: 0 }), undefined)
  const behind = forecast(15_500, 20_500, 5_000)
  assert.equal(missedBy(behind, bounds, { spread, nowMs: 0 })?.allowedMs, 10_000)
})

test('patience binds the wait for a replica and not the prefill there', () => {
  const impatient = { ...bounds, ttftMs: undefined, patienceUntilMs: 1_000 }
  assert.equal(missedBy(forecast(0, 90_000), impatient, { spread, nowMs: 0 }), undefined)
  const missed = missedBy(forecast(2_100, 2_200), impatient, { spread, nowMs: 0 })
  assert.equal(missed?.reason, 'patience')
})

test('a refusal says what is likely, what is allowed, and when a second try makes sense', () => {
  const missed = missedBy(forecast(9_000, 9_100), bounds, { spread, nowMs: 0 })
  assert.ok(missed !== undefined)
  const error = refusal(missed, bounds, 0.5)
  assert.equal(error.code, 'overloaded')
  assert.match(
    error.message,
    /its first token is likely in 9\.1 s, and class 'interactive' allows 2\.0 s/,
  )
  assert.equal(error.facts['retryAfterMs'], 7_100)
})

test('a second try is named within a second and a minute, and not the same for all', () => {
  const missing = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const random = fc.double({ min: 0, max: 0.999, noNaN: true })
  fc.assert(
    fc.property(missing, random, (missingMs, chance) => {
      const afterMs = retryAfterMs(missingMs, chance)
      assert.ok(afterMs >= 1_000 && afterMs <= 60_000)
      const expected = Math.min(60_000, Math.max(1_000, missingMs))
      assert.ok(Math.abs(afterMs - expected) <= 0.2 * expected + 1)
    }),
  )
  assert.notEqual(retryAfterMs(10_000, 0), retryAfterMs(10_000, 0.9))
})
