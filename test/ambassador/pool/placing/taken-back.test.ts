import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import { fast } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'
import { blockTokens, poolCall } from '../pool-call.ts'

const capacity = 200
const slots = [0, 1]
const prefix = Array.from({ length: 60 }, (_, at) => 1 + at)

/** Two replicas, of which the first has the prefix, and is full. */
function setUp() {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 100_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = slots.map((slot) => {
    index.open(slot, capacity)
    const member = new Member(slot, `http://r${slot}:1`, ledger.book(slot))
    member.capacityBlocks = capacity
    return member
  })
  const router = new LateBinding({
    clock,
    settings: { ...fast, copyPrice: 1 },
    ledger,
    index,
    members: () => members,
    blockTokens,
    rates: { tokenMs: 1, pairMs: 0 },
  })
  let key = 1_000
  const own = (count: number) => Array.from({ length: count }, () => key++)
  /** Where it goes, if at once; and how to take it back. */
  const submit = (keys: readonly number[]) => {
    let slot: number | undefined
    const takeBack = router.submit(poolCall('', keys, clock.now()), ({ member, entry }) => {
      slot = member.slot
      ledger.firstToken(entry)
    })
    return { slot, takeBack }
  }
  const { slot: home } = submit([...prefix, ...own(130)])
  return { router, home, next: () => submit([...prefix, ...own(20)]) }
}

/** Calls that wait for the prefix before one goes elsewhere. */
function waitingBeforeElsewhere(): number {
  const { home, next } = setUp()
  for (let waiting = 0; waiting < 200; waiting++) {
    const { slot } = next()
    if (slot === undefined) continue
    assert.notEqual(slot, home)
    return waiting
  }
  throw new Error('none goes elsewhere')
}

test('calls that were taken back stand before nobody', () => {
  const count = waitingBeforeElsewhere()
  assert.ok(count > 1, `${count} wait`)
  const { router, next } = setUp()
  const waiting = Array.from({ length: count }, () => next())
  for (const { takeBack } of waiting) takeBack()
  assert.equal(router.waiting, 0)
  // As many again, and not one of them goes elsewhere for those that have left.
  const again = Array.from({ length: count }, () => next())
  assert.ok(again.every(({ slot }) => slot === undefined))
  assert.equal(router.waiting, count)
})
