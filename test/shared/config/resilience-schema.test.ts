import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { breaker, retry } from '#shared/config/resilience-schema.ts'

test('an empty section gives the defaults, in milliseconds', () => {
  assert.deepEqual(v.parse(retry, {}), {
    attempts: 5,
    base: 500,
    max: 8_000,
    budgetPercent: 20,
    budgetFloor: 1,
    unknown: 'retry',
  })
  assert.deepEqual(v.parse(breaker, {}), {
    failures: 10,
    errorPercent: 50,
    volume: 20,
    window: 10_000,
    reset: 5_000,
    slow: 60_000,
  })
})

test('retries can be turned off, breakers not into opening at the first failure by accident', () => {
  assert.equal(v.parse(retry, { attempts: 1, budgetPercent: 0, budgetFloor: 0 }).attempts, 1)
  assert.equal(v.safeParse(breaker, { failures: 0 }).success, false)
  assert.equal(v.safeParse(breaker, { errorPercent: 0 }).success, false)
  assert.equal(v.safeParse(breaker, { window: '10ms' }).success, false)
})

test('a length of time needs a unit', () => {
  assert.equal(v.safeParse(retry, { base: 500 }).success, false)
  assert.equal(v.safeParse(breaker, { reset: 5 }).success, false)
})
