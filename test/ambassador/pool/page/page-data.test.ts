import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesIn } from '#ambassador/pool/page/browser/replica-table.ts'
import { age, count, duration, percent } from '#ambassador/pool/page/browser/words.ts'
import { pageData } from '#ambassador/pool/page/page-data.ts'
import { Timeline } from '#ambassador/pool/page/timeline.ts'
import type { PlacingStatus } from '#ambassador/pool/placing/placing-view.ts'
import type { ReplicaView } from '#ambassador/pool/pool.ts'
import { manualClock } from '../../../manual-clock.ts'

type Placed = PlacingStatus['replicas'][number]

const replica: Placed = {
  origin: 'http://one',
  inFlight: 1,
  queuedTokens: 0,
  running: 1,
  waiting: 0,
  kvUsage: 0.5,
  capacityBlocks: 100,
  callsMax: undefined,
  hitRate: undefined,
  trust: undefined,
  sleep: 'awake',
  ageMs: 100,
  error: undefined,
  notices: [],
}
const healthy: ReplicaView = {
  origin: 'http://one',
  inFlight: 1,
  failures: 0,
  isHealthy: true,
  isLeaving: false,
  zone: 'a',
  ejectedMs: 0,
}
const decision: PlacingStatus['decisions'][number] = {
  id: 'one',
  at: 1_000,
  tenant: 'search',
  class: 'interactive',
  model: 'm',
  adapter: '',
  policy: 'fair',
  replica: 'http://one',
  heldMs: 0,
  heldFor: 'none',
  tier: 'full',
  promptTokens: 10,
  cachedTokens: 0,
  total: 1,
  runnerUp: undefined,
  candidates: 64,
  costs: [],
  end: undefined,
}

function dataOf(given: {
  readonly placed?: Partial<Placed>
  readonly health?: Partial<ReplicaView>
  readonly decisions?: PlacingStatus['decisions']
}) {
  const status: PlacingStatus = {
    policy: 'fair',
    blockTokens: 16,
    isHashed: false,
    foundShare: undefined,
    tokens: { problem: undefined },
    waiting: { calls: 0, tokens: 0, bytes: 0, byClass: {}, byTenant: [] },
    tenants: [],
    replicas: [{ ...replica, ...given.placed }],
    decisions: given.decisions ?? [],
  }
  return pageData({
    provider: 'pool',
    isDraining: false,
    status,
    health: [{ ...healthy, ...given.health }],
    timeline: new Timeline(manualClock()).view(),
    wallMs: 5_000,
  })
}

const stateOf = (given: Parameters<typeof dataOf>[0]) => dataOf(given).replicas[0]?.state

test('a replica is what keeps calls away from it', () => {
  assert.equal(stateOf({}), 'serving')
  assert.equal(stateOf({ placed: { error: 'refused' } }), 'unheard')
  assert.equal(stateOf({ health: { isHealthy: false, failures: 2 } }), 'silent')
  assert.equal(stateOf({ health: { isHealthy: false, failures: 2, ejectedMs: 9 } }), 'ejected')
  assert.equal(stateOf({ health: { isHealthy: false, isLeaving: true } }), 'leaving')
  assert.equal(stateOf({ health: { isHealthy: false } }), 'spared')
  const asleep = { sleep: 'discard-all' }
  assert.equal(stateOf({ placed: asleep, health: { isHealthy: false, failures: 2 } }), 'asleep')
})

test('a sentence that holds of a replica is told with its place, errors among them', () => {
  const notices = [{ code: 'no-events', sentence: 'no events' }] as const
  assert.deepEqual(dataOf({ placed: { error: 'refused', notices } }).notices, [
    { code: 'unheard', sentence: 'refused', replicas: ['http://one'] },
    { code: 'no-events', sentence: 'no events', replicas: ['http://one'] },
  ])
})

test('decisions are told newest first by when they were made, 24 at most, with their age', () => {
  const decisions = Array.from({ length: 30 }, (_, at) => ({ ...decision, id: `${at}`, at }))
  const held = { ...decision, id: 'held', at: 2, heldMs: 900 }
  const told = dataOf({ decisions: [...decisions, held] }).decisions
  assert.deepEqual(
    told.slice(0, 3).map(({ id }) => id),
    ['held', '29', '28'],
  )
  assert.deepEqual([told.length, told[0]?.ageMs], [24, 4_098])
})

test('of many candidates the eight that were best are told, to a tenth of a millisecond', () => {
  const cost = {
    replica: 'http://one',
    total: 1.2345,
    terms: { queuedMs: 0.34, ownMs: 0.5, spreadMs: 0.3945, runningMs: 0, adapterMs: 0 },
    cachedTokens: 0,
    canTake: true,
    why: 'none',
    heldBlocks: 0,
    neededBlocks: 1,
    capacityBlocks: undefined,
    queuedTokens: 0,
    inFlight: 0,
    callsMax: undefined,
  } as const
  const costs = Array.from({ length: 20 }, () => cost)
  const [told] = dataOf({ decisions: [{ ...decision, costs }] }).decisions
  assert.equal(told?.costs.length, 8)
  assert.deepEqual([told.costs[0]?.total, told.costs[0]?.terms?.spreadMs], [1.2, 0.4])
})

test('only a change of state is said aloud', () => {
  const known = new Map()
  const [row] = dataOf({}).replicas
  assert.ok(row !== undefined)
  assert.equal(changesIn([row], known), '')
  assert.equal(changesIn([row], known), '')
  assert.equal(changesIn([{ ...row, state: 'silent' }], known), 'one: does not answer')
  assert.equal(
    changesIn([row, { ...row, origin: 'http://two' }], known),
    'one: serving. two: joined',
  )
  assert.equal(changesIn([row], known), 'two: gone from the pool')
})

test('figures are short', () => {
  assert.deepEqual([0, 0.4, 85, 1_240, 33_000, 120_000, 125_000, undefined].map(duration), [
    '0 ms',
    '< 1 ms',
    '85 ms',
    '1.24 s',
    '33.0 s',
    '2 min',
    '2 min 5 s',
    '–',
  ])
  assert.deepEqual([undefined, 999, 7_900, 120_000, 7_200_000].map(age), [
    'never',
    'now',
    '7 s',
    '2 min',
    '2 h',
  ])
  assert.deepEqual([950, 1_230, 9_960, 32_752, 999_600].map(count), [
    '950',
    '1.2k',
    '10k',
    '33k',
    '1.0M',
  ])
  assert.deepEqual([0, 0.004, 0.435, undefined].map(percent), ['0 %', '< 1 %', '44 %', '–'])
})
