import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stageOf } from '../complaints/stage.ts'

test('statusz tells what tenants have had of the replicas’ time', async (t) => {
  const { placing, caller, place } = stageOf(t, 1)
  for (const tenant of ['one', 'other']) {
    const call = caller()
    call.tenant = tenant
    await place(500, tenant, call)
  }
  const { tenants } = placing.status()
  const names = tenants.map(({ tenant }) => tenant)
  assert.deepEqual(names.toSorted(), ['one', 'other'])
  assert.ok(tenants.every(({ gpuMs, waiting }) => gpuMs > 0 && waiting === 0))
})

test('a policy that does not count it tells of no tenant', async (t) => {
  const { placing, place } = stageOf(t, 1, { policy: 'round-robin' })
  await place(500, 'any')
  assert.deepEqual(placing.status().tenants, [])
})
