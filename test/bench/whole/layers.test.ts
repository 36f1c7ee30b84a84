import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureLayers } from '../layers.ts'

test('the cost of layers is measured without sockets', { timeout: 60_000 }, async () => {
  const costs = await measureLayers(true)
  assert.ok(costs.length > 0)
  for (const { name, us } of costs) assert.ok(us.length > 0 && us.every((one) => one > 0), name)
})
