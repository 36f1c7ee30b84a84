import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BlockPool } from '#deploy/simulator/replica/block-pool.ts'
import { KeyTable } from '#deploy/simulator/replica/key-table.ts'

const keys = fc.oneof(
  fc.integer({ min: -8, max: 8 }),
  fc.integer({ min: 2 ** 40, max: 2 ** 40 + 4 }),
  fc.constantFrom(0, 2 ** 32, 2 ** 53, 2 ** 31, -(2 ** 33)),
)

test('a table of keys is as a map', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('claim', 'move', 'delete'), keys), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const table = new KeyTable(24)
      const map = new Map<number, number>()
      all.forEach(([what, key], block) => {
        const there = map.get(key)
        if (what === 'claim') {
          assert.equal(table.claim(key, block), there ?? -1)
          if (there === undefined) map.set(key, block)
        }
        if (what === 'move' && there !== undefined) {
          table.move(key, block)
          map.set(key, block)
        }
        if (what === 'delete') {
          table.delete(key)
          map.delete(key)
        }
        assert.equal(table.size, map.size)
        for (const [other, block] of map) assert.equal(table.get(other), block)
      })
      table.clear()
      for (const key of map.keys()) assert.equal(table.get(key), -1)
    }),
  )
})

test('a table keeps thousands of counted and of hashed keys apart', () => {
  const table = new KeyTable(20_000)
  const keyOf = (at: number) => (at % 2 === 0 ? at : at * 2 ** 38 + 17)
  for (let at = 0; at < 20_000; at += 1) table.claim(keyOf(at), at)
  for (let at = 0; at < 20_000; at += 3) table.delete(keyOf(at))
  for (let at = 0; at < 20_000; at += 1) {
    assert.equal(table.get(keyOf(at)), at % 3 === 0 ? -1 : at)
  }
})

/** Blocks that are taken now, in order. */
function takeAll(pool: BlockPool): number[] {
  const taken: number[] = []
  while (pool.free > 0) taken.push(pool.take())
  return taken
}

test('the block freed longest ago is taken first and forgets its key', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  assert.equal(pool.take(), -1)
  pool.name(two, 22)
  pool.name(three, 33)
  for (const block of [two, one, three]) pool.release(block)
  assert.equal(pool.find(22), two)
  assert.equal(pool.take(), two)
  assert.equal(pool.find(22), -1)
  assert.equal(pool.find(33), three)
})

test('a free block that is found leaves the queue, and comes back as the youngest', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  pool.name(one, 11)
  for (const block of [one, two, three]) pool.release(block)
  pool.hold(pool.find(11))
  pool.hold(pool.find(11))
  assert.equal(pool.free, 2)
  pool.release(one)
  assert.equal(pool.free, 2)
  pool.release(one)
  assert.deepEqual(takeAll(pool), [two, three, one])
})

test('of several blocks with one key the first answers, and the next when it is gone', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  for (const block of [one, two, three]) pool.name(block, 7)
  assert.equal(pool.cachedKeys, 1)
  for (const block of [two, one, three]) pool.release(block)
  assert.equal(pool.find(7), one)
  pool.take()
  assert.equal(pool.find(7), one)
  pool.take()
  assert.equal(pool.find(7), three)
  pool.take()
  assert.equal(pool.find(7), -1)
  assert.equal(pool.cachedKeys, 0)
})

test('an emptied pool is as new', () => {
  const pool = new BlockPool(4)
  for (const block of takeAll(pool)) pool.name(block, block)
  pool.clear()
  assert.equal(pool.free, 4)
  assert.equal(pool.cachedKeys, 0)
  assert.deepEqual(takeAll(pool), takeAll(new BlockPool(4)))
})
