import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { snapshotOf } from '../../admission/stage.ts'
import { stageOf } from '../complaints/stage.ts'
import { settle } from './stage.ts'

/** A configuration in which tenants have these weights. */
function snapshotWith(weights: Readonly<Record<string, number>>) {
  const tenants = Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, { weight }]),
  )
  const provider = { kind: 'vllm', replicas: { addresses: ['http://r0:1'] } }
  const loaded = parseConfig(JSON.stringify({ providers: { p: provider }, tenants }), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return { ...snapshotOf(provider), config: loaded.config }
}

test('of calls that wait a tenant gets as many placed as its configured weight says', async (t) => {
  const { placing, caller, place } = stageOf(t, 1)
  const snapshot = snapshotWith({ heavy: 3, light: 1 })
  const full = await place(350_000, 'full')
  const placed: string[] = []
  const ask = (tenant: string, at: number) => {
    const call = { ...caller(1e9), tenant, snapshot }
    // A replica takes one of them at a time.
    return place(250_000, `${tenant} ${at} `, call).then((placement) => {
      placed.push(tenant)
      return placement
    })
  }
  const asked = Array.from({ length: 16 }, (_, at) => ask(at % 2 === 0 ? 'light' : 'heavy', at))
  await settle()
  const { tenants } = placing.status()
  const weights = tenants.map(({ tenant, weight }) => `${tenant} ${weight}`)
  assert.deepEqual(weights.filter((one) => /heavy|light/.test(one)).toSorted(), [
    'heavy 3',
    'light 1',
  ])
  full.end()
  for (let turn = 0; turn < 8; turn++) {
    await settle()
    const next = await Promise.race(asked.filter((_, at) => at >= 0))
    assert.ok(next)
    const live = placing.view().replicas[0]?.inFlight
    assert.equal(live, 1)
    for (const one of asked) {
      const ended = await Promise.race([one, Promise.resolve(undefined)])
      ended?.end()
    }
  }
  const first = placed.slice(0, 8)
  assert.equal(first.filter((tenant) => tenant === 'heavy').length, 6, first.join())
})
