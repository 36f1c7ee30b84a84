import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { manualClock } from '../../manual-clock.ts'

const limits = { budgetPercent: 20, budgetFloor: 1 }

test('a fifth of the calls and the floor may be retried', () => {
  const budget = new RetryBudget(manualClock())
  for (let call = 0; call < 100; call++) budget.deposit()
  assert.equal(budget.balance(limits), 30)
  let granted = 0
  while (budget.withdraw(limits)) granted++
  assert.equal(granted, 30)
})

test('a quiet ambassador may retry, ten seconds later again', () => {
  const clock = manualClock()
  const budget = new RetryBudget(clock)
  for (let retry = 0; retry < 10; retry++) assert.equal(budget.withdraw(limits), true)
  assert.equal(budget.withdraw(limits), false)
  clock.advance(8_000)
  assert.equal(budget.withdraw(limits), false)
  clock.advance(2_000)
  assert.equal(budget.withdraw(limits), true)
})

test('without share and floor nothing is retried', () => {
  const budget = new RetryBudget(manualClock())
  budget.deposit()
  assert.equal(budget.withdraw({ budgetPercent: 0, budgetFloor: 0 }), false)
})

const step = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.constant(25_000)),
  calls: fc.integer({ min: 0, max: 30 }),
  retries: fc.integer({ min: 0, max: 30 }),
})

test('in any nine seconds retries stay below the share of calls and the floor', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 5 }),
      (steps, budgetPercent, budgetFloor) => {
        const clock = manualClock()
        const budget = new RetryBudget(clock)
        const calls: number[] = []
        const retries: number[] = []
        for (const { afterMs, calls: callsNow, retries: retriesNow } of steps) {
          clock.advance(afterMs)
          const now = clock.now()
          for (let call = 0; call < callsNow; call++) {
            budget.deposit()
            calls.push(now)
          }
          for (let retry = 0; retry < retriesNow; retry++) {
            if (!budget.withdraw({ budgetPercent, budgetFloor })) continue
            retries.push(now)
            const made = retries.filter((at) => at > now - 9_000).length
            const brought = calls.filter((at) => at > now - 10_000).length
            assert.ok(made <= (budgetPercent * brought) / 100 + 10 * budgetFloor)
          }
        }
      },
    ),
  )
})
