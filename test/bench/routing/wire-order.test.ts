import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standings } from './wire-order.ts'

const slow = [200, 210, 190, 205, 195]
const quick = [100, 103, 98, 101, 99]

test('two policies stand the same way where both intervals say so', () => {
  const [standing, ...others] = standings([
    { policy: 'a', wire: slow, virtual: [150, 160, 155, 149, 152] },
    { policy: 'b', wire: quick, virtual: quick },
  ])
  assert.equal(standing?.verdict, 'same')
  assert.ok(standing.wire.low > 1.8 && standing.wire.high < 2.2)
  assert.deepEqual(others, [])
})

test('two policies that have changed places are told', () => {
  const paces = [
    { policy: 'a', wire: slow, virtual: quick },
    { policy: 'b', wire: quick, virtual: slow },
  ]
  assert.deepEqual(
    standings(paces).map(({ verdict }) => verdict),
    ['differs'],
  )
})

test('rounds that go either way, and a single one, leave it open', () => {
  const either = { policy: 'a', wire: [90, 130, 95, 120, 80], virtual: slow }
  const once = { policy: 'b', wire: [500], virtual: [500] }
  const all = standings([either, { policy: 'c', wire: quick, virtual: quick }])
  assert.equal(all[0]?.verdict, 'open')
  const single = standings([once, { policy: 'c', wire: [1], virtual: [1] }])
  assert.equal(single[0]?.verdict, 'open')
})
