import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowReplicas } from '#ambassador/pool/admission/slow-replicas.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import { ReplicaBook } from '#ambassador/pool/ledger/replica-book.ts'

const members = (count: number) =>
  Array.from({ length: count }, (_, at) => new Member(at, `http://r${at}:1`, new ReplicaBook()))

/** First tokens of each at its own ratio. */
function seen(slow: SlowReplicas, ratios: readonly (readonly [Member, number])[], calls = 20) {
  for (let call = 0; call < calls; call++) {
    for (const [member, ratio] of ratios) slow.record(member, ratio)
  }
}

test('a replica that takes ten times what the others do is out for a while, then judged anew', () => {
  const slow = new SlowReplicas()
  const all = members(4)
  seen(
    slow,
    all.map((member, at) => [member, at === 2 ? 14 : 1.2]),
  )
  assert.deepEqual(slow.compare(all, 0), [all[2]])
  assert.deepEqual(
    all.map((member) => slow.isOut(member, 29_999)),
    [false, false, true, false],
  )
  assert.deepEqual(
    all.filter((member) => slow.isOut(member, 30_000)),
    [],
  )
  assert.deepEqual(slow.compare(all, 30_000), [])
  const [, , third] = all
  assert.ok(third !== undefined)
  seen(slow, [[third, 15]])
  slow.compare(all, 31_000)
  // Twice as long the second time.
  assert.equal(slow.isOut(third, 90_000), true)
})

test('where all are slow nobody is an outlier', () => {
  const slow = new SlowReplicas()
  const all = members(4)
  seen(
    slow,
    all.map((member) => [member, 9]),
  )
  assert.deepEqual(slow.compare(all, 0), [])
})

test('a few first tokens prove nothing', () => {
  const slow = new SlowReplicas()
  const all = members(3)
  seen(
    slow,
    all.map((member, at) => [member, at === 0 ? 19 : 1]),
    19,
  )
  assert.deepEqual(slow.compare(all, 0), [])
})

test('half of a pool stays in, and the last one always', () => {
  const slow = new SlowReplicas()
  const all = members(5)
  seen(
    slow,
    all.map((member, at) => [member, [1, 1, 15, 16, 17][at] ?? 1]),
  )
  for (let round = 0; round < 3; round++) slow.compare(all, 0)
  assert.ok(all.filter((member) => slow.isOut(member, 0)).length <= 2)
  const alone = members(1)
  seen(
    slow,
    alone.map((member) => [member, 30]),
  )
  assert.deepEqual(slow.compare(alone, 0), [])
})
