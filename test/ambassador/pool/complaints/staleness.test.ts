import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signalDefaults } from '#ambassador/pool/signals/ask-page.ts'
import { settle } from '../placing/stage.ts'
import { pageOf } from '../signals/pages.ts'
import { counted, stageOf } from './stage.ts'

const config = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="10000",engine="0"} 1.0\n'
test('complaint 1: a replica whose metrics are old is not taken for a full one', async (t) => {
  const { clock, pages, placing, addresses, place } = stageOf(t, 2)
  for (const origin of addresses) pages.metrics.set(origin, pageOf({ running: 1 }, config))
  clock.advance(1_000)
  await settle()
  pages.metrics.clear()
  clock.advance(10 * 60_000)
  await settle()
  const ages = placing.view().replicas.map(({ ageMs }) => ageMs ?? 0)
  assert.ok(ages.every((ageMs) => ageMs > 9 * 60_000))
  const placements = await Promise.all([place(100, 'a'), place(100, 'b'), place(100, 'c')])
  assert.equal(placements.length, 3)
  placements.forEach((placement) => {
    assert.equal(placement.tier, 'blind')
    placement.end()
  })
})

test('complaint 2: the only replica of a pool serves while its metrics do not come', async (t) => {
  const { clock, place } = stageOf(t, 1)
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(5_000)
    await settle()
    ;(await place(200, `turn ${turn} `)).end()
  }
})

test('complaint 3: a replica that says it is idle is not where all the next calls go', async (t) => {
  const { clock, pages, addresses, placeMany } = stageOf(t, 8)
  for (const [at, origin] of addresses.entries()) {
    pages.metrics.set(origin, pageOf({ running: at === 0 ? 0 : 20, waiting: at }, config))
  }
  clock.advance(1_000)
  await settle()
  // All between two pages: the replica goes on saying that it is idle.
  const placements = await placeMany(80)
  const counts = counted(placements, addresses)
  assert.ok(Math.max(...counts) <= 14, counts.join())
  for (const placement of placements) placement.end()
})

test('complaint 23: a replica that says nothing is no emptier for it', async (t) => {
  const { clock, pages, addresses, placeMany } = stageOf(t, 4)
  for (const origin of addresses.slice(1)) pages.metrics.set(origin, pageOf({}, config))
  clock.advance(1_000)
  await settle()
  const placements = await placeMany(40)
  const counts = counted(placements, addresses)
  assert.deepEqual(counts, [10, 10, 10, 10])
  for (const placement of placements) placement.end()
})

test('complaint 30: calls between two pages half a minute apart are spread by what was sent', async (t) => {
  const stage = stageOf(t, 4, { signals: { ...signalDefaults, intervalMs: 30_000 } })
  const { clock, pages, addresses, place } = stage
  for (const origin of addresses) pages.metrics.set(origin, pageOf({}, config))
  clock.advance(30_000)
  await settle()
  const placements = []
  for (let at = 0; at < 40; at++) {
    placements.push(await place(500, `call ${at} `))
    clock.advance(500)
  }
  const counts = counted(placements, addresses)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 4, counts.join())
  for (const placement of placements) placement.end()
})
