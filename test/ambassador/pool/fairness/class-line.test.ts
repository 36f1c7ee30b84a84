import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WaitingLine } from '#ambassador/pool/dispatch/waiting-line.ts'
import { ClassLine, type InTurn } from '#ambassador/pool/fairness/class-line.ts'

interface Item extends InTurn {
  readonly id: number
  readonly fits: boolean
}

const quantumMs = 100

/** Adds a call of a tenant; ids count up. */
function adder(line: ClassLine<Item>) {
  let id = 0
  return (tenant: string, key: number, fits = true, costMs = 60): Item => {
    const item = { id: id++, key, fits, costMs, tenant: line.times.arrives(tenant, 1) }
    line.add(item)
    return item
  }
}

/** Those that were offered; those that fit go, and cost so much. */
function walk(line: ClassLine<Item>, looks: number, costMs = 0): Item[] {
  const offered: Item[] = []
  line.walk(looks, (item) => {
    offered.push(item)
    if (!item.fits) return false
    line.remove(item)
    line.times.charge(item.tenant, costMs)
    return true
  })
  return offered
}

const keysOf = (items: readonly Item[]) => items.map(({ key }) => key)

test('with one tenant the order is that of one line of keys, whatever is charged', () => {
  const calls = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), fits: fc.boolean() }))
  fc.assert(
    fc.property(calls, fc.nat(40), fc.nat(500), (given, looks, costMs) => {
      const line = new ClassLine<Item>(quantumMs)
      const plain = new WaitingLine<Item>()
      const add = adder(line)
      for (const { key, fits } of given) plain.add(add('acme', key, fits))
      const expected: Item[] = []
      for (let place = 0; expected.length < looks; ) {
        const item = plain.at(place)
        if (item === undefined) break
        expected.push(item)
        if (item.fits) plain.remove(item)
        else place++
      }
      assert.deepEqual(walk(line, looks, costMs), expected)
      assert.deepEqual([...line.calls('in turn')], [...plain])
      assert.equal(line.length, plain.length)
    }),
  )
})

test('tenants that have had alike are served by the keys of their calls', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (const [tenant, key] of [
    ['a', 5],
    ['b', 1],
    ['a', 3],
    ['b', 9],
  ] as const)
    add(tenant, key)
  assert.deepEqual(keysOf(walk(line, 10)), [1, 3, 5, 9])
})

test('a tenant that has had its quantum waits for the others to have theirs', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (const key of [1, 2, 3]) add('quick', key)
  for (const key of [11, 12, 13]) add('slow', key)
  assert.deepEqual(keysOf(walk(line, 10, 60)), [1, 2, 11, 12, 3, 13])
})

test('a call that does not fit stops neither its tenant nor another', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  add('poor', 1, false)
  add('poor', 2)
  const rich = add('rich', 3)
  line.times.charge(rich.tenant, 10 * quantumMs)
  assert.deepEqual(keysOf(walk(line, 10)), [1, 2, 3])
  assert.equal(line.length, 1)
})

test('however many calls of one tenant do not fit, those of another are looked at', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (let key = 0; key < 1_000; key++) add('poor', key, false)
  const rich = add('rich', 5_000)
  line.times.charge(rich.tenant, 10 * quantumMs)
  assert.ok(walk(line, 64).includes(rich))
})

test('looks are bounded, and go on with one tenant where the others have no calls left', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (let key = 0; key < 100; key++) add('many', key, false)
  add('few', 200, false)
  assert.equal(walk(line, 64).length, 64)
})

test('those of the tenants whose turn it is are told from the others', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  const [poor, rich] = [add('poor', 1), add('rich', 2)]
  line.times.charge(rich.tenant, 10 * quantumMs)
  assert.deepEqual([...line.calls('in turn')], [poor])
  assert.deepEqual([...line.calls('others')], [rich])
})

test('of tenants that always wait none has had more than a quantum and a call beyond another', () => {
  const costs = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 10, maxLength: 300 })
  fc.assert(
    fc.property(costs, fc.integer({ min: 2, max: 5 }), (given, tenants) => {
      const line = new ClassLine<Item>(quantumMs)
      const add = adder(line)
      for (const [at, key] of given.entries()) {
        for (let tenant = 0; tenant < tenants; tenant++) add(String(tenant), key + at * tenant)
      }
      for (const cost of given) walk(line, 1, cost)
      const had = Array.from(line.times.all, ({ spentMs }) => spentMs)
      assert.ok(Math.max(...had) - Math.min(...had) <= quantumMs + Math.max(...given))
    }),
  )
})

test('what is said to go before a call is what goes before it when all fit', () => {
  const call = fc.record({
    tenant: fc.constantFrom('a', 'b', 'c'),
    key: fc.integer({ min: 0, max: 1_000 }),
    costMs: fc.integer({ min: 1, max: 250 }),
  })
  const calls = fc.uniqueArray(call, { minLength: 1, maxLength: 60, selector: ({ key }) => key })
  fc.assert(
    fc.property(calls, fc.nat(400), (given, aheadMs) => {
      const line = new ClassLine<Item>(quantumMs)
      const add = adder(line)
      const items = given.map(({ tenant, key, costMs }) => add(tenant, key, true, costMs))
      const [comer] = items
      assert.ok(comer)
      line.times.charge(comer.tenant, aheadMs)
      const before = Array.from(line.before(comer), ([item]) => item)
      const gone: Item[] = []
      line.walk(1_000, (item) => {
        gone.push(item)
        line.remove(item)
        line.times.charge(item.tenant, item.costMs)
        return true
      })
      const expected = gone.slice(0, gone.indexOf(comer))
      const byId = (one: Item, other: Item) => one.id - other.id
      assert.deepEqual(before.toSorted(byId), expected.toSorted(byId))
    }),
  )
})

test('a call that would come now has before it what it would have if it came', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (let key = 0; key < 100; key++) add('flood', key)
  const tenant = line.times.arrives('other', 1)
  const before = Array.from(line.before({ tenant, key: 10_000, costMs: 1 }), ([item]) => item)
  assert.deepEqual(keysOf(before), [0, 1])
})

test('of a long line a sample tells about as much', () => {
  const line = new ClassLine<Item>(quantumMs)
  const add = adder(line)
  for (let key = 0; key < 20_000; key++) add('flood', key)
  const { tenant } = add('flood', 1e6)
  const counts = Array.from(line.before({ tenant, key: 10_000, costMs: 1 }), ([, count]) => count)
  assert.ok(counts.length <= 256)
  const sum = counts.reduce((total, count) => total + count, 0)
  assert.ok(Math.abs(sum - 10_000) <= 80, String(sum))
})
