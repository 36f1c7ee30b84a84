import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newOutcome } from '#deploy/simulator/pool/arrival.ts'
import { fairParts, tenantSharesOf } from './tenant-shares.ts'
import { singleCall } from './workloads/prompt.ts'

test('who asks for less than its part has it, and the others share what is left', () => {
  const asked = new Map([
    ['small', 10],
    ['large', 100],
    ['huge', 500],
  ])
  assert.deepEqual(
    [...fairParts(asked, 150)],
    [
      ['small', 10],
      ['large', 70],
      ['huge', 70],
    ],
  )
  assert.deepEqual([...fairParts(asked, 610).values()], [10, 100, 500])
})

/** One call each of equal work at 0, over at the time given. */
function runOf(ends: Readonly<Record<string, number>>) {
  const outcomes = Object.entries(ends).map(([tenant, endMs], at) => {
    const parts = [{ id: at, tokens: 1_000 }]
    const arrival = singleCall({ atMs: 0, parts, outputTokens: 10, tenant }, 16)
    return { ...newOutcome(arrival), arrivedMs: at === 0 ? 100 : 0, boundMs: 0, endMs }
  })
  return { outcomes, preemptions: 0, steps: 0, endMs: 400 }
}

test('tenants served alike have an index of 1', () => {
  const { jain, least } = tenantSharesOf(runOf({ one: 200, other: 200 }))
  assert.ok(Math.abs(jain - 1) < 1e-9 && Math.abs(least - 1) < 1e-9)
})

test('a tenant that is served late lowers it', () => {
  // By the time of the last call one has had all of its call, the other a quarter.
  const { jain, least } = tenantSharesOf(runOf({ one: 100, other: 400 }))
  assert.ok(Math.abs(least - 0.4) < 1e-9, String(least))
  assert.ok(Math.abs(jain - 4 / (2 * (1.6 ** 2 + 0.4 ** 2))) < 1e-9, String(jain))
})
