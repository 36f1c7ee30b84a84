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
  const { clock, placing, caller, place } = stageOf(t, 1)
  const snapshot = snapshotWith({ heavy: 3, light: 1 })
  const full = await place(350_000, 'full')
  const placed: string[] = []
  let end = () => full.end()
  const ask = async (tenant: string, at: number) => {
    const call = { ...caller(1e9), tenant, snapshot }
    // A replica takes one of them at a time.
    const placement = await place(250_000, `${tenant} ${at} `, call)
    placed.push(tenant)
    end = () => placement.end()
  }
  const asked = Array.from({ length: 16 }, (_, at) => ask(at % 2 === 0 ? 'light' : 'heavy', at))
  await settle()
  const { tenants } = placing.status()
  const weights = tenants.map(({ tenant, weight }) => `${tenant} ${weight}`)
  for (const expected of ['heavy 3', 'light 1']) assert.ok(weights.includes(expected))
  for (let turn = 0; turn < 16; turn++) {
    assert.equal(placed.length, turn)
    clock.advance(10_000)
    end()
    await settle()
  }
  await Promise.all(asked)
  end()
  const first = placed.slice(0, 8).filter((tenant) => tenant === 'heavy').length
  assert.ok(first >= 5 && first <= 7, placed.join())
})
