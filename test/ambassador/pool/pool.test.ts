import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { type InboundResponse, Origins, type OutboundRequest } from '#shared/http/client.ts'
import { ReplicaPool } from '../../../ambassador/pool/pool.ts'
import { manualClock } from '../../manual-clock.ts'

const origins = ['http://a:1', 'http://b:1', 'http://c:1', 'http://d:1'] as const

/** Probes are answered by all but the `dead`. */
class Probed extends Origins {
  readonly dead = new Set<string>()
  /** How often anybody was asked for its health. */
  asked = 0

  override async exchange({ origin, path }: OutboundRequest): Promise<InboundResponse> {
    if (path === '/health') this.asked++
    if (this.dead.has(origin)) throw new CallError('connect-failed', 'Cannot connect: refused')
    return { status: 200, headers: [], body: bytesBody(Buffer.alloc(0)), trailers: () => ({}) }
  }
}

function setUp(t: TestContext, addresses: readonly string[] = origins, zone?: string) {
  const clock = manualClock()
  const probed = new Probed()
  const told: string[] = []
  const pool = new ReplicaPool({
    clock,
    origins: probed,
    zone,
    onHealth: ({ origin, isHealthy }) => told.push(`${isHealthy ? '+' : '-'}${origin}`),
  })
  const text = { providers: { p: { kind: 'vllm', replicas: { addresses } } } }
  const loaded = parseConfig(JSON.stringify(text), 'test')
  assert.ok(loaded.ok)
  const provider = loaded.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  pool.configure(provider.replicas)
  t.after(() => pool.close())
  /** Fails `times` in a row; `beside` answers well meanwhile. */
  const fail = (origin: string, times = 5, beside?: string) => {
    for (let count = 0; count < times; count++) {
      pool.record(origin, 'failure')
      if (beside !== undefined) pool.record(beside, 'success')
    }
  }
  /** Time passes until the probes have taken the dead for dead. */
  const probe = async (dead: readonly string[]) => {
    for (const origin of dead) probed.dead.add(origin)
    const { interval, failures } = provider.replicas.health
    for (let turn = 0; turn <= failures; turn++) {
      clock.advance(turn === 0 ? 0 : interval)
      for (let tick = 0; tick < 50; tick++) await Promise.resolve()
    }
  }
  /** Who is picked by some calls at once. */
  const picked = () => {
    const replicas = Array.from({ length: 16 }, () => {
      const replica = pool.pick()
      replica.inFlight++
      return replica
    })
    for (const replica of replicas) replica.inFlight--
    return new Set(replicas.map(({ origin }) => origin))
  }
  return { clock, pool, probed, told, fail, probe, picked, replicas: provider.replicas }
}

const [a, b, c, d] = origins

test('a replica that fails its calls while others serve theirs gets none, and is back by itself', (t) => {
  const { clock, pool, told, fail, picked } = setUp(t)
  fail(a, 5, b)
  assert.deepEqual(picked(), new Set([b, c, d]))
  const [view] = pool.replicas
  assert.deepEqual([view?.isHealthy, view?.ejectedMs, told], [false, 30_000, [`-${a}`]])
  clock.advance(30_000)
  assert.deepEqual(picked(), new Set(origins))
  pool.record(a, 'success')
  assert.deepEqual(told, [`-${a}`, `+${a}`])
})

test('the time out grows with each time', (t) => {
  const { clock, pool, fail } = setUp(t)
  for (const ms of [30_000, 60_000]) {
    fail(a, 5, b)
    assert.equal(pool.replicas[0]?.ejectedMs, ms)
    clock.advance(ms)
  }
})

test('what all replicas do puts none of them out, nor is more than half ever out', (t) => {
  const { fail, picked } = setUp(t)
  for (const origin of origins) fail(origin, 50)
  assert.deepEqual(picked(), new Set(origins))
  for (const origin of [a, b, c]) fail(origin, 50, d)
  assert.equal(picked().size, 2)
})

test('where most of those that answer probes are out, all of them are used', async (t) => {
  const { pool, fail, probe, picked } = setUp(t)
  for (const origin of [a, b]) fail(origin, 5, d)
  await probe([c])
  assert.deepEqual(picked(), new Set([a, b, d]))
  const taking = pool.replicas.filter(({ isHealthy }) => isHealthy)
  assert.deepEqual(
    taking.map(({ origin }) => origin),
    [a, b, d],
  )
})

test('the last replica is never out for its calls, only for its probes', async (t) => {
  const { pool, fail, probe } = setUp(t, [a])
  fail(a, 50)
  assert.equal(pool.pick().origin, a)
  await probe([a])
  assert.throws(
    () => pool.pick(),
    (error) => error instanceof CallError && error.code === 'no-healthy-replica',
  )
})

test('a reload that keeps an address keeps what is known of it', (t) => {
  const { pool, fail, replicas } = setUp(t)
  fail(a, 5, b)
  pool.configure({ ...replicas, addresses: [a, b] })
  assert.ok((pool.replicas[0]?.ejectedMs ?? 0) > 0)
  pool.configure({ ...replicas, addresses: [b, c] })
  pool.configure({ ...replicas, addresses: [a, b] })
  assert.equal(pool.replicas[0]?.ejectedMs, 0)
})

test('of equally busy replicas one in the own zone is picked, and a less busy one before it', (t) => {
  const { pool, replicas } = setUp(t, origins, 'zone-b')
  pool.configure({ ...replicas, addresses: [], service: 'vllm' })
  pool.discovered([
    { origin: a, state: 'serving', zone: 'zone-a' },
    { origin: b, state: 'serving', zone: 'zone-b' },
    { origin: c, state: 'serving', zone: undefined },
  ])
  const take = () => {
    const replica = pool.pick()
    replica.inFlight++
    return replica.origin
  }
  assert.equal(take(), b)
  assert.deepEqual(new Set([take(), take()]), new Set([a, c]))
  assert.equal(take(), b)
})

test('a replica that joins while all are asked for their health is asked once', async (t) => {
  const { clock, pool, probed, told, replicas } = setUp(t, [a])
  probed.dead.add(b)
  pool.discovered([a, b].map((origin) => ({ origin, state: 'serving', zone: undefined })))
  clock.advance(0)
  for (let tick = 0; tick < 50; tick++) await Promise.resolve()
  assert.equal(probed.asked, 2)
  assert.deepEqual(told, [])
  clock.advance(replicas.health.interval)
  for (let tick = 0; tick < 50; tick++) await Promise.resolve()
  assert.deepEqual(told, [`-${b}`])
})
