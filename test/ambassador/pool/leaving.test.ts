import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplicaPool } from '#ambassador/pool/pool.ts'
import { parseConfig } from '#shared/config/load.ts'
import { manualClock } from '../../manual-clock.ts'
import { counted, Pages } from './complaints/stage.ts'
import { callAt, question } from './placing/stage.ts'

const addresses = ['http://a:1', 'http://b:1', 'http://c:1'] as const
const [a, b, c] = addresses

type State = 'serving' | 'leaving'

function poolOf(t: { after(end: () => void): void }) {
  const clock = manualClock()
  const pool = new ReplicaPool({ clock, origins: new Pages(), onHealth() {} })
  const text = { providers: { p: { kind: 'vllm', replicas: { addresses } } } }
  const loaded = parseConfig(JSON.stringify(text), 'test')
  assert.ok(loaded.ok)
  const provider = loaded.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  pool.configure(provider.replicas)
  t.after(() => pool.close())
  let asked = 0
  const place = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        pool.placing.place(question(300, `question ${++asked} `), callAt(clock)),
      ),
    )
  const found = (states: Readonly<Record<string, State>>) =>
    pool.discovered(Object.entries(states).map(([origin, state]) => ({ origin, state })))
  return { pool, place, found }
}

test('a replica that leaves gets no new call while others stay, and keeps those it has', async (t) => {
  const { pool, place, found } = poolOf(t)
  const before = await place(9)
  assert.deepEqual(counted(before, addresses), [3, 3, 3])
  found({ [a]: 'serving', [b]: 'leaving', [c]: 'serving' })
  const after = await place(10)
  assert.deepEqual(counted(after, addresses), [5, 0, 5])
  const inFlight = () => pool.placing.view().replicas.map((replica) => replica.inFlight)
  assert.deepEqual(inFlight(), [8, 3, 5 + 3])
  for (const placement of before) placement.end()
  assert.deepEqual(inFlight(), [5, 0, 5])
  found({ [a]: 'serving', [c]: 'serving' })
  for (const placement of after) placement.end()
  assert.deepEqual(inFlight(), [0, 0])
})

test('where all replicas leave they serve until they are gone', async (t) => {
  const { place, found } = poolOf(t)
  found({ [a]: 'leaving', [b]: 'leaving' })
  const placements = await place(4)
  assert.deepEqual(counted(placements, addresses), [2, 2, 0])
  for (const placement of placements) placement.end()
})
