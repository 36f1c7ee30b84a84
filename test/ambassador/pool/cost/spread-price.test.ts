import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpreadPrice } from '#ambassador/pool/cost/spread-price.ts'

test('a copy costs least while nobody waits, and most where a call waits for each replica', () => {
  const price = new SpreadPrice({ least: 2, most: 30 })
  assert.equal(price.value, 2)
  price.observe(0.5, 0)
  assert.equal(price.value, 16)
  price.observe(7, 0)
  assert.equal(price.value, 30)
})

test('what waited lately counts for some seconds more', () => {
  const price = new SpreadPrice({ least: 0, most: 1 })
  price.observe(0, 0)
  for (let ms = 1_000; ms <= 60_000; ms += 1_000) price.observe(1, ms)
  price.observe(0, 61_000)
  assert.ok(price.value > 0.85)
  price.observe(0, 71_000)
  assert.ok(price.value > 0.3 && price.value < 0.36)
  price.observe(0, 200_000)
  assert.ok(price.value < 0.001)
})
