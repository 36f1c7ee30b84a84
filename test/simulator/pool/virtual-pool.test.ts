import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import { roundRobin } from '#ambassador/pool/policies/round-robin.ts'
import { type Arrival, chainOf, type PoolRun } from '#deploy/simulator/pool/arrival.ts'
import { type Disturbance, presentAtStart } from '#deploy/simulator/pool/disturbance.ts'
import { type Placing, usualWay, VirtualPool } from '#deploy/simulator/pool/virtual-pool.ts'

const blockTokens = 10

/** A call of 25 tokens of prompt and 30 of answer, whose blocks are the numbers from `id` on. */
function call(atMs: number, id: number): Arrival {
  const all = Float64Array.from({ length: 5 }, (_, at) => id + at)
  return {
    atMs,
    tokens: 25,
    keys: all.subarray(0, 2),
    chain: chainOf(all.subarray(0, 2)),
    outputTokens: 30,
    outputKeys: all.subarray(2, 5),
    grownChain: chainOf(all),
    tenant: 'default',
    class: 'interactive',
    adapter: '',
    session: '',
  }
}

const inTurn: Placing = { kind: 'policy', policy: () => roundRobin() }
const dispatched: Placing = { kind: 'dispatch', settings: fair }
const placings = [inTurn, dispatched]

interface Played {
  readonly placing: Placing
  readonly replicas?: number
  readonly disturbances?: readonly Disturbance[]
}

/** Prompts take no time, each step 10 ms; nothing takes time on the way. */
function play(
  arrivals: readonly Arrival[],
  { placing, replicas = 2, disturbances = [] }: Played,
): PoolRun {
  const stepTime = { prefillMs: () => 5, decodeMs: () => 10 }
  return new VirtualPool({
    ...usualWay,
    replicas,
    engine: { blocks: 100, blockTokens, stepTime },
    placing,
    seed: 1,
    disturbances,
  }).run(arrivals)
}

test('every call ends once, with its times in order', () => {
  for (const placing of placings) {
    const { outcomes } = play([call(0, 0), call(3, 100), call(400, 200)], { placing })
    for (const { arrivedMs, boundMs, firstTokenMs, endMs, arrival } of outcomes) {
      assert.equal(arrivedMs, arrival.atMs)
      assert.ok(arrivedMs <= boundMs && boundMs < firstTokenMs && firstTokenMs < endMs)
      assert.ok(endMs < Number.POSITIVE_INFINITY)
    }
  }
})

test('a call that follows another comes a pause after its answer has ended', () => {
  const first = call(0, 0)
  const second = { ...call(9_999, 100), follows: { arrival: first, pauseMs: 70 } }
  const { outcomes } = play([first, second], { placing: inTurn })
  assert.equal(outcomes[1]?.arrivedMs, (outcomes[0]?.endMs ?? 0) + 70)
})

test('the next turn finds what was generated, and that is foreseen', () => {
  const first = call(0, 0)
  const keys = Float64Array.from({ length: 6 }, (_, at) => at)
  const grown = { ...call(0, 0), tokens: 65, keys, chain: chainOf(keys) }
  const { outputKeys: _, grownChain: __, ...second } = grown
  const turns = [first, { ...second, follows: { arrival: first, pauseMs: 10 } }]
  for (const placing of placings) {
    const { outcomes } = play(turns, { placing, replicas: 1 })
    // 25 tokens of prompt and 29 of the answer are computed: five blocks.
    assert.equal(outcomes[1]?.cachedTokens, 50)
    assert.equal(outcomes[1]?.predictedTokens, 50)
  }
})

test('a call whose replica is lost before its first token goes to another', () => {
  const disturbances = [{ atMs: 8, slot: 0, kind: 'lost' as const }]
  for (const placing of placings) {
    const { outcomes } = play([call(0, 0), call(1, 100)], { placing, disturbances })
    for (const { slot, isBroken, endMs } of outcomes) {
      assert.equal(slot, 1)
      assert.equal(isBroken, false)
      assert.ok(endMs < Number.POSITIVE_INFINITY)
    }
    assert.ok(outcomes.some(({ resent }) => resent === 1))
  }
})

test('a call on its way to a replica that is lost goes to another', () => {
  const disturbances = [{ atMs: 2, slot: 0, kind: 'lost' as const }]
  for (const placing of placings) {
    const { outcomes } = play([call(0, 0)], { placing, disturbances })
    assert.deepEqual([outcomes[0]?.slot, outcomes[0]?.resent], [1, 1])
  }
})

test('an answer whose replica is lost in its middle is broken', () => {
  const disturbances = [{ atMs: 150, slot: 0, kind: 'lost' as const }]
  for (const placing of placings) {
    const { outcomes } = play([call(0, 0)], { placing, disturbances })
    assert.equal(outcomes[0]?.isBroken, true)
    assert.ok((outcomes[0]?.firstTokenMs ?? 0) < 150)
  }
})

test('a replica that joins takes calls from then on', () => {
  const disturbances = [{ atMs: 1_000, slot: 1, kind: 'joins' as const }]
  const arrivals = [0, 1, 2, 1_001, 1_002, 1_003].map((atMs, at) => call(atMs, at * 100))
  for (const placing of placings) {
    const slots = play(arrivals, { placing, disturbances }).outcomes.map(({ slot }) => slot)
    assert.deepEqual(slots.slice(0, 3), [0, 0, 0])
    assert.ok(slots.slice(3).includes(1))
  }
})

test('a replica that comes back has nothing in its cache, and that is known', () => {
  const disturbances: Disturbance[] = [
    { atMs: 1_000, slot: 0, kind: 'lost' },
    { atMs: 1_001, slot: 0, kind: 'joins' },
    { atMs: 1_002, slot: 1, kind: 'lost' },
  ]
  for (const placing of placings) {
    const { outcomes } = play([call(0, 0), call(2_000, 0)], { placing, disturbances })
    assert.deepEqual(
      outcomes.map(({ slot }) => slot),
      [0, 0],
    )
    assert.equal(outcomes[1]?.cachedTokens, 0)
    assert.equal(outcomes[1]?.predictedTokens, 0)
  }
})

test('equal seeds give equal runs', () => {
  const arrivals = Array.from({ length: 50 }, (_, at) => call(at * 3, (at % 7) * 100))
  for (const placing of placings) {
    const disturbances = [{ atMs: 60, slot: 1, kind: 'lost' as const }]
    const [one, other] = [1, 2].map(() => play(arrivals, { placing, disturbances, replicas: 3 }))
    assert.deepEqual(one, other)
  }
})

test('who joins first was not there at the start', () => {
  const disturbances: Disturbance[] = [
    { atMs: 5, slot: 2, kind: 'joins' },
    { atMs: 9, slot: 0, kind: 'joins' },
    { atMs: 7, slot: 0, kind: 'lost' },
  ]
  assert.deepEqual(presentAtStart(4, disturbances), [0, 1, 3])
})
