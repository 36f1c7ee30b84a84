import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from './harness.ts'
import { isHeard, startPool, type Turn, user } from './pool-stage.ts'

test('a paused replica is healthy and never begins: its calls go on elsewhere', async (t) => {
  const replicas = await Promise.all([startProvider(), startProvider()])
  t.after(() => Promise.all(replicas.map((replica) => replica.close())))
  const [first] = replicas
  const ports = replicas.map(({ port }) => port)
  const { chat, statusOnce, addresses, pair } = await startPool(t, ports, {
    breaker: { failures: 10_000, volume: 1_000_000 },
  })
  await statusOnce(isHeard)
  assert.ok(first.enter('paused'))
  const ask = (at: number): Promise<Turn> =>
    chat({ stream: true, messages: [user(`question ${at} of its own`)] })
  const turns = await Promise.all(Array.from({ length: 8 }, (_, at) => ask(at)))
  assert.deepEqual(
    turns.map(({ status, replica }) => [status, replica]),
    turns.map(() => [200, addresses[1]]),
  )
  // Some of them were at the other one first.
  assert.ok(turns.some(({ attempts }) => Number(attempts) > 1))
  const line = await pair.ambassador.line((one) => one['msg'] === 'replica is given no calls')
  assert.deepEqual([line['replica'], line['why']], [addresses[0], 'silent'])
  const next = await Promise.all(Array.from({ length: 4 }, (_, at) => ask(10 + at)))
  assert.deepEqual(
    next.map(({ replica, attempts }) => [replica, Number(attempts)]),
    next.map(() => [addresses[1], 1]),
  )
})
