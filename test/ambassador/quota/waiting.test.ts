import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { RateLimited } from '../../../ambassador/quota/rate-limited.ts'
import type { ManualClock } from '../../manual-clock.ts'
import { atOnce, bench, placesAtATime, shapeOf, tokensByMinute, turn, want } from './wants.ts'

const tokens = shapeOf(tokensByMinute)
const places = shapeOf(placesAtATime)

/** What became of a call that waits, and when. */
interface Fate {
  outcome: 'waiting' | 'granted' | 'refused'
  atMs: number
}

function follow(entered: Permit | Promise<Permit>, clock: ManualClock): Fate {
  const fate: Fate = { outcome: 'waiting', atMs: clock.now() }
  const end = (outcome: Fate['outcome']) => Object.assign(fate, { outcome, atMs: clock.now() })
  void Promise.resolve(entered).then(
    () => end('granted'),
    () => end('refused'),
  )
  return fate
}

function refused(action: () => unknown): RateLimited {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof RateLimited)
    return error
  }
  throw new Error('the call was not refused')
}

test('a 429 that shuts the only credential refuses those at once whose patience ends before', async () => {
  const { clock, quota } = bench(tokens)
  const sent = atOnce(quota.enter(want({ inputTokens: 5_000 })))
  const short = follow(quota.enter(want({ inputTokens: 1_000, patienceMs: 30_000 })), clock)
  const long = follow(quota.enter(want({ inputTokens: 1_000, patienceMs: 300_000 })), clock)
  clock.advance(2_000)
  sent.observe({ status: 429, headers: ['retry-after', '60'], body: '' })
  await turn()
  assert.deepEqual(short, { outcome: 'refused', atMs: 2_000 })
  assert.equal(long.outcome, 'waiting')
  const late = refused(() => quota.enter(want({ patienceMs: 30_000 })))
  assert.ok(late.retryAfterMs >= 60_000 && late.retryAfterMs <= 75_000, String(late.retryAfterMs))
  quota.close(new CallError('draining', 'Cannot wait: the process ends'))
  assert.equal(clock.pending(), 0)
})

test('a credential that still flows keeps those waiting whom another one’s 429 does not concern', async () => {
  const limits = { tokens: 6_000 }
  const credentials = ['one', 'two'].map((name) => ({ name, weight: 1, share: 1, limits }))
  const { clock, quota } = bench(tokens, { credentials })
  const sent = atOnce(quota.enter(want({ inputTokens: 5_400 })))
  atOnce(quota.enter(want({ inputTokens: 5_400 })))
  const fate = follow(quota.enter(want({ inputTokens: 1_000, patienceMs: 30_000 })), clock)
  sent.observe({ status: 429, headers: ['retry-after', '60'], body: '' })
  clock.advance(29_000)
  await turn()
  assert.equal(fate.outcome, 'granted')
})

test('behind a place the calls before it count: whose turn comes too late is refused at once', () => {
  const { quota } = bench(places)
  atOnce(quota.enter(want()))
  // A call holds its place for some 5 s, as far as is known.
  for (let call = 0; call < 8; call++) {
    assert.ok(quota.enter(want({ patienceMs: 100_000 })) instanceof Promise)
  }
  assert.equal(refused(() => quota.enter(want({ patienceMs: 30_000 }))).reason, 'patience')
})

test('a limit that turns out lower is told to those who cannot be served within a second', async () => {
  const { clock, quota } = bench(tokens, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: {} }],
  })
  const told = (limit: number, remaining: number) => ({
    status: 200,
    headers: ['limit', String(limit), 'remaining', String(remaining), 'reset', '60'],
    body: undefined,
  })
  const first = atOnce(quota.enter(want()))
  const second = atOnce(quota.enter(want()))
  first.observe(told(60_000, 0))
  const fate = follow(quota.enter(want({ inputTokens: 10_000, patienceMs: 20_000 })), clock)
  second.observe(told(6_000, 0))
  for (let step = 0; step < 5; step++) {
    clock.advance(100)
    await turn()
  }
  assert.equal(fate.outcome, 'refused')
  assert.equal(clock.pending(), 0)
})

/** Calls of two tenants that wait behind a refusal of a second. */
function crowd(calls: number) {
  const { clock, quota } = bench(tokens, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: { tokens: 60_000_000 } }],
    waitingMax: { interactive: calls, batch: 0 },
  })
  atOnce(quota.enter(want())).observe({ status: 429, headers: ['retry-after', '1'], body: '' })
  const cancellations: Cancellation[] = []
  const fates: Fate[] = []
  const granted: number[] = []
  for (let call = 0; call < calls; call++) {
    const cancellation = new Cancellation()
    const tenant = call < calls / 2 ? 'a' : 'b'
    const entered = quota.enter(want({ tenant, cancellation, inputTokens: 10 }))
    cancellations.push(cancellation)
    fates.push(follow(entered, clock))
    void Promise.resolve(entered).then(
      () => granted.push(call),
      () => {},
    )
  }
  return { clock, quota, fates, cancellations, granted }
}

test('when a limit opens, those who wait go by the dozen and not in one burst, each in its turn', async () => {
  const calls = 2_000
  const { clock, quota, granted } = crowd(calls)
  let last = 0
  let most = 0
  for (let step = 0; step < 1_200 && granted.length < calls; step++) {
    clock.advance(1)
    await turn()
    most = Math.max(most, granted.length - last)
    last = granted.length
    const ofB = granted.filter((call) => call >= calls / 2).length
    assert.ok(Math.abs(granted.length - 2 * ofB) <= 2, `${ofB} of ${granted.length}`)
  }
  assert.equal(granted.length, calls)
  assert.equal(most, 32)
  assert.equal(quota.waiting['interactive'], 0)
  assert.equal(clock.pending(), 0)
})

test('between two bursts calls leave, others come behind, and an end refuses all', async () => {
  const calls = 200
  const { clock, quota, fates, cancellations, granted } = crowd(calls)
  clock.advance(1_000)
  await turn()
  assert.equal(granted.length, 32)
  const left = fates.findIndex(({ outcome }) => outcome === 'waiting')
  cancellations[left]?.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  await turn()
  assert.equal(fates[left]?.outcome, 'refused')
  const last = follow(quota.enter(want({ tenant: 'c' })), clock)
  await turn()
  assert.equal(last.outcome, 'waiting', 'a call passes nobody')
  quota.close(new CallError('draining', 'Cannot wait: the process ends'))
  await turn()
  assert.equal(granted.length, 32)
  assert.ok([...fates, last].every(({ outcome }) => outcome !== 'waiting'))
  assert.equal(clock.pending(), 0)
})

test('ten thousand who wait for a dead credential are told so by the dozen', async () => {
  const { clock, quota, fates } = crowd(10_000)
  quota.configure({
    credentials: [],
    waitingMax: { interactive: 10, batch: 10 },
    tenantShareMax: 1,
    batchShare: 0.1,
  })
  await turn()
  const told = () => fates.filter(({ outcome }) => outcome === 'refused').length
  assert.equal(told(), 32)
  clock.advance(500)
  await turn()
  assert.equal(told(), 10_000)
  assert.equal(clock.pending(), 0)
})
