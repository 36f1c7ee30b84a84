import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { againOf } from '../../../ambassador/retry/again.ts'
import { backoff } from '../../../ambassador/retry/backoff.ts'

const limits = { base: 500, max: 8_000 }
const again = fc.constantFrom('at-once', 'elsewhere', 'backoff', 'long-backoff' as const)
const want = fc.record({
  again,
  failures: fc.integer({ min: 1, max: 1_000 }),
  hintMs: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  leftMs: fc.integer({ min: -1_000, max: 100_000 }),
})

test('no wait is earlier than the provider’s hint, nor past patience and deadline', () => {
  fc.assert(
    fc.property(want, (wanted) => {
      const waitMs = backoff(wanted, limits)
      if (waitMs === undefined) return
      assert.ok(waitMs >= (wanted.hintMs ?? 0))
      assert.ok(waitMs < wanted.leftMs)
    }),
  )
})

test('the jitter above a hint is below the limit, however many attempts have failed', () => {
  fc.assert(
    fc.property(want, (wanted) => {
      const waitMs = backoff({ ...wanted, leftMs: Number.POSITIVE_INFINITY }, limits)
      const jitterMs = (waitMs ?? 0) - (wanted.hintMs ?? 0)
      assert.ok(jitterMs >= 0 && jitterMs <= limits.max)
    }),
  )
})

test('the limit of the jitter doubles, and stops at the maximum', () => {
  const highest = [1, 2, 3, 4, 5, 6, 60].map((failures) =>
    backoff({ again: 'backoff', failures, hintMs: undefined, random: 1, leftMs: 1e9 }, limits),
  )
  assert.deepEqual(highest, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
})

test('a provider without room is left alone four times as long', () => {
  const wanted = { failures: 1, hintMs: undefined, random: 0.5, leftMs: 1e9 }
  assert.equal(backoff({ ...wanted, again: 'backoff' }, limits), 250)
  assert.equal(backoff({ ...wanted, again: 'long-backoff' }, limits), 1_000)
})

test('a connection that failed is tried again at once, a second one after a backoff', () => {
  const wanted = { again: 'at-once', hintMs: undefined, random: 0.5, leftMs: 1e9 } as const
  assert.equal(backoff({ ...wanted, failures: 1 }, limits), 0)
  assert.equal(backoff({ ...wanted, failures: 2 }, limits), 500)
})

test('the provider’s x-should-retry and the configuration bind the rule', () => {
  const said = { reason: 'x', hintMs: undefined, shouldRetry: undefined }
  assert.equal(againOf({ ...said, kind: 'transient' }, 'retry'), 'backoff')
  assert.equal(againOf({ ...said, kind: 'transient', shouldRetry: false }, 'retry'), 'never')
  assert.equal(againOf({ ...said, kind: 'caller' }, 'retry'), 'never')
  assert.equal(againOf({ ...said, kind: 'caller', shouldRetry: true }, 'retry'), 'backoff')
  assert.equal(againOf({ ...said, kind: 'unknown-outcome' }, 'retry'), 'backoff')
  assert.equal(againOf({ ...said, kind: 'unknown-outcome' }, 'leave'), 'never')
  const throttled = {
    ...said,
    kind: 'throttled',
    dimension: undefined,
    shouldRetry: false,
  } as const
  assert.equal(againOf(throttled, 'retry'), 'elsewhere')
})
