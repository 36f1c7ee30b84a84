import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EarlyBinding } from '#ambassador/pool/dispatch/early-binding.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import { QueueOrder } from '#ambassador/pool/dispatch/queue-order.ts'
import type { Router } from '#ambassador/pool/dispatch/router.ts'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { roundRobin } from '#ambassador/pool/policies/round-robin.ts'
import { withVllmPriority } from '#ambassador/pool/policies/vllm-priority.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { type ManualClock, manualClock } from '#test/manual-clock.ts'
import { blockTokens, poolCall } from '../pool-call.ts'

/** The clock of a process that began so long after another one. */
function laterClock(clock: ManualClock, afterMs: number): ManualClock {
  return { ...clock, now: () => clock.now() - afterMs }
}

/** Of a process with one replica of its own sight. */
function routersOf(clock: ManualClock) {
  const index = new PrefixIndex({ blocksMax: 1_000 })
  index.open(0, 1_000)
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = [new Member(0, 'http://replica', ledger.book(0))]
  const rates = { tokenMs: 1, pairMs: 0 }
  const parts = { clock, ledger, index, members: () => members, blockTokens, rates }
  const late = new LateBinding({ ...parts, settings: fair })
  const early = new EarlyBinding({ ...parts, policy: withVllmPriority(roundRobin()) })
  const priorityAt = (router: Router) => {
    let told: number | undefined
    router.submit(poolCall('', [clock.now() + 1], clock.now()), ({ priority }) => {
      told = priority
    })
    return told ?? assert.fail()
  }
  return { late: () => priorityAt(late), early: () => priorityAt(early) }
}

test('the calls of two processes that began at different times stand in a queue by their age', () => {
  for (const kind of ['late', 'early'] as const) {
    const clock = manualClock()
    const old = routersOf(clock)
    clock.advance(600_000)
    const young = routersOf(laterClock(clock, 600_000))
    const numbers: number[] = []
    for (const process of [old, young, old, young]) {
      numbers.push(process[kind]())
      clock.advance(10_000)
    }
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
    )
    assert.equal(new Set(numbers).size, numbers.length)
  }
})

test('a clock that is set back sets no number back', () => {
  let wallMs = 1_800_000_000_000
  const clock = { now: () => 0, wall: () => wallMs }
  const before = new QueueOrder(clock).commonMs(1_000)
  wallMs -= 3_600_000
  assert.equal(new QueueOrder(clock).commonMs(1_000), before)
})

test('numbers are whole, safe, and in the order of their keys', () => {
  const key = fc.double({ min: -1e12, max: 1e12, noNaN: true })
  const order = new QueueOrder(manualClock())
  fc.assert(
    fc.property(key, key, (one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)].map((ms) =>
        order.priorityOf(ms),
      )
      assert.ok(low !== undefined && high !== undefined && low <= high)
      assert.ok(Number.isSafeInteger(low) && Number.isSafeInteger(high))
    }),
  )
})

test('of a call in 2038 a number has 32 bits', () => {
  const clock = { now: () => 0, wall: () => Date.UTC(2038, 0, 1) }
  const order = new QueueOrder(clock)
  assert.ok(order.priorityOf(0.05 * order.commonMs(0) + 1e6) < 2 ** 31)
})
