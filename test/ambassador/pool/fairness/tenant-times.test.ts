import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenantTimes } from '#ambassador/pool/fairness/tenant-times.ts'

test('who comes back stands where the least of those that wait stands', () => {
  const times = new TenantTimes()
  const [busy, other] = [times.arrives('busy', 1), times.arrives('other', 1)]
  times.wait(busy)
  times.wait(other)
  times.charge(busy, 900)
  times.charge(other, 700)
  times.charge(busy, 100)
  assert.equal(times.standingMs(times.arrives('new', 1)), 700)
})

test('who has had more than the others does not lose it by being away', () => {
  const times = new TenantTimes()
  const [busy, other] = [times.arrives('busy', 1), times.arrives('other', 1)]
  times.wait(other)
  times.charge(busy, 5_000)
  assert.equal(times.standingMs(times.arrives('busy', 1)), 5_000)
})

test('while nobody waits nobody saves anything up', () => {
  const times = new TenantTimes()
  const busy = times.arrives('busy', 1)
  for (let call = 0; call < 10; call++) times.charge(times.arrives('busy', 1), 1_000)
  const late = times.arrives('late', 1)
  assert.ok(times.standingMs(busy) - times.standingMs(late) <= 1_000)
})

test('who waits by its own choice falls behind by a minute at most', () => {
  const times = new TenantTimes()
  const [choosy, busy] = [times.arrives('choosy', 1), times.arrives('busy', 1)]
  times.wait(choosy)
  for (let call = 0; call < 1_000; call++) times.charge(busy, 1_000)
  assert.ok(times.standingMs(busy) - times.standingMs(choosy) <= 61_000)
})

test('twice the weight is charged half', () => {
  const times = new TenantTimes()
  const [heavy, light] = [times.arrives('heavy', 2), times.arrives('light', 1)]
  for (const tenant of [heavy, light]) times.wait(tenant)
  times.charge(heavy, 800)
  times.charge(light, 400)
  assert.equal(times.standingMs(heavy), times.standingMs(light))
  assert.equal(heavy.spentMs, 800)
})

test('what a call came to takes the place of what it was charged', () => {
  const times = new TenantTimes()
  const tenant = times.arrives('acme', 4)
  times.charge(tenant, 1_000)
  times.correct(tenant, -600)
  assert.equal(tenant.spentMs, 400)
  assert.equal(times.standingMs(tenant), 100)
})

test('4,096 tenants are remembered, those that wait and the latest', () => {
  const times = new TenantTimes()
  times.wait(times.arrives('waiting', 1))
  for (let at = 0; at < 5_000; at++) times.arrives(`tenant-${at}`, 1)
  const names = Array.from(times.all, ({ name }) => name)
  assert.equal(names.length, 4_096)
  assert.ok(names.includes('waiting') && names.includes('tenant-4999'))
  assert.ok(!names.includes('tenant-0'))
})

test('served by the least, those that always wait stay together within their largest call', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 })
  const costs = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(weights, costs, (given, calls) => {
      const times = new TenantTimes()
      const tenants = given.map((weight, at) => times.arrives(String(at), weight))
      for (const tenant of tenants) times.wait(tenant)
      for (const cost of calls) {
        const least = tenants.reduce((one, other) =>
          times.standingMs(other) < times.standingMs(one) ? other : one,
        )
        times.charge(least, cost)
      }
      const had = tenants.map(({ spentMs, weight }) => spentMs / weight)
      assert.ok(Math.max(...had) - Math.min(...had) <= Math.max(...calls))
    }),
  )
})
