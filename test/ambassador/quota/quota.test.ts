import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { RateLimited } from '../../../ambassador/quota/rate-limited.ts'
import { atOnce, bench, placesAtATime, shapeOf, tokensByMinute, turn, want } from './wants.ts'

const places = shapeOf(placesAtATime)
const tokens = shapeOf(tokensByMinute)
const ok = { status: 200, headers: [], body: undefined }

function refusal(action: () => unknown): RateLimited {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof RateLimited)
    return error
  }
  throw new Error('the call was not refused')
}

test('a call goes at once where there is room, and waits where there is none', async () => {
  const { quota } = bench(places)
  const first = atOnce(quota.enter(want()))
  const second = quota.enter(want())
  assert.ok(second instanceof Promise)
  first.settle({ input: 100, cached: 0, output: 0 })
  assert.equal((await second).credential, 'main')
})

test('a call waits until the bucket has refilled, and no timer is left when nobody waits', async () => {
  const { clock, quota } = bench(tokens)
  const granted: number[] = []
  for (let call = 0; call < 12; call++) {
    const entered = quota.enter(want({ inputTokens: 1_000, patienceMs: 3_600_000 }))
    if (entered instanceof Promise) void entered.then(() => granted.push(clock.now()))
    else granted.push(clock.now())
  }
  for (let step = 0; step < 600; step++) {
    clock.advance(250)
    await turn()
  }
  assert.equal(granted.length, 12)
  // 6,000 a minute are one of these calls each 10 s, once the reserve for errors is kept.
  const gaps = granted.slice(7).map((ms, at) => ms - (granted[at + 6] ?? 0))
  for (const gap of gaps) assert.ok(Math.abs(gap - 10_000) <= 250, String(granted))
  assert.equal(clock.pending(), 0)
})

test('a call that would wait longer than its patience is refused at once, with the time it would take', () => {
  const { quota } = bench(tokens)
  while (!(quota.enter(want({ inputTokens: 1_000 })) instanceof Promise));
  const error = refusal(() => quota.enter(want({ inputTokens: 1_000, patienceMs: 5_000 })))
  assert.equal(error.reason, 'patience')
  assert.ok(
    error.retryAfterMs >= 10_000 && error.retryAfterMs <= 40_000,
    String(error.retryAfterMs),
  )
})

test('a call that waits leaves when its patience ends, though the forecast was better', async () => {
  const { clock, quota } = bench(places)
  atOnce(quota.enter(want()))
  const waiting = quota.enter(want({ patienceMs: 20_000 }))
  clock.advance(20_000)
  await assert.rejects(async () => waiting, RateLimited)
  assert.equal(quota.waiting['interactive'], 0)
  assert.equal(clock.pending(), 0)
})

test('a cancelled call leaves the line at once, with the reason', async () => {
  const { clock, quota } = bench(places)
  const held = atOnce(quota.enter(want()))
  const cancellation = new Cancellation()
  const left = quota.enter(want({ cancellation }))
  const next = quota.enter(want())
  const reason = new CallError('client-left', 'Cannot answer: the caller left')
  cancellation.cancel(reason)
  await assert.rejects(async () => left, reason)
  assert.equal(quota.waiting['interactive'], 1)
  held.release()
  await next
  assert.equal(clock.pending(), 0)
})

test('the line is bounded for a class and for a tenant in it', () => {
  const { quota } = bench(places, {
    waitingMax: { interactive: 4, batch: 1 },
    tenantShareMax: 0.5,
  })
  const patient = { patienceMs: 3_600_000 }
  atOnce(quota.enter(want(patient)))
  for (let call = 0; call < 2; call++) assert.ok(quota.enter(want(patient)) instanceof Promise)
  const own = refusal(() => quota.enter(want(patient)))
  assert.equal(own.reason, 'tenant-queue-full')
  for (let call = 0; call < 2; call++) {
    assert.ok(quota.enter(want({ ...patient, tenant: 'b' })) instanceof Promise)
  }
  const all = refusal(() => quota.enter(want({ ...patient, tenant: 'c' })))
  assert.equal(all.reason, 'queue-full')
  assert.ok(quota.enter(want({ ...patient, class: 'batch' })) instanceof Promise)
})

/** Runs what waits, one call after another, and gives the order. */
async function drain(first: Permit, entered: Map<string, Permit | Promise<Permit>>) {
  const order: string[] = []
  const done: Permit[] = []
  for (const [name, promise] of entered) {
    const enter = async () => {
      const permit = await promise
      order.push(name)
      done.push(permit)
    }
    void enter()
  }
  first.release()
  await turn()
  for (let permit = done.shift(); permit !== undefined; permit = done.shift()) {
    permit.settle(undefined)
    await turn()
  }
  return order
}

test('the tenant that had the least goes first, and weights count', async () => {
  const { quota } = bench(places)
  const first = atOnce(quota.enter(want({ tenant: 'z' })))
  const entered = new Map<string, Permit | Promise<Permit>>()
  for (let call = 0; call < 6; call++) {
    entered.set(`a${call}`, quota.enter(want({ tenant: 'a', weight: 2 })))
  }
  for (let call = 0; call < 3; call++) {
    entered.set(`b${call}`, quota.enter(want({ tenant: 'b', weight: 1 })))
  }
  const order = await drain(first, entered)
  assert.equal(order.length, 9)
  // After each third call, a has had twice what b has.
  for (const end of [3, 6]) {
    assert.equal(order.slice(0, end).filter((name) => name.startsWith('b')).length, end / 3)
  }
})

test('interactive goes before batch, and batch gets its share while both wait', async () => {
  const { quota } = bench(places, { batchShare: 0.1 })
  const first = atOnce(quota.enter(want({ tenant: 'z' })))
  const entered = new Map<string, Permit | Promise<Permit>>()
  const patienceMs = 3_600_000
  for (let call = 0; call < 4; call++) {
    entered.set(`b${call}`, quota.enter(want({ class: 'batch', patienceMs })))
  }
  for (let call = 0; call < 36; call++) {
    entered.set(`i${call}`, quota.enter(want({ patienceMs })))
  }
  const order = await drain(first, entered)
  assert.equal(order.length, 40)
  assert.equal(order[0], 'i0')
  assert.equal(order.slice(0, 20).filter((name) => name.startsWith('b')).length, 2)
})

test('a refusal bars all calls that would hit the same wall until the provider’s time', async () => {
  const { clock, quota } = bench(tokens, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: {} }],
  })
  const permit = atOnce(quota.enter(want()))
  const headers = ['limit', '6000', 'remaining', '10', 'reset', '60', 'retry-after', '7']
  permit.observe({ status: 429, headers, body: '' })
  const waiting = quota.enter(want())
  assert.ok(waiting instanceof Promise)
  assert.ok(atOnce(quota.enter(want({ model: 'another' }))))
  clock.advance(6_900)
  await turn()
  assert.equal(quota.waiting['interactive'], 1)
  clock.advance(200)
  assert.ok(await waiting)
})

test('a credential whose money has run out is left alone, and others serve', () => {
  const { quota } = bench(tokens, {
    credentials: ['one', 'two'].map((name) => ({ name, weight: 1, share: 1, limits: {} })),
  })
  const body = '{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}'
  const first = atOnce(quota.enter(want()))
  first.observe({ status: 429, headers: [], body })
  for (let call = 0; call < 5; call++) {
    assert.notEqual(atOnce(quota.enter(want())).credential, first.credential)
  }
})

test('the credential with more room is taken, unless the session’s cache is worth the wait', async () => {
  const { clock, quota } = bench(shapeOf({ ...placesAtATime, name: 'places' }), {
    credentials: [
      { name: 'small', weight: 1, share: 1, limits: { places: 2 } },
      { name: 'large', weight: 1, share: 1, limits: { places: 10 } },
    ],
  })
  assert.equal(atOnce(quota.enter(want())).credential, 'large')
  const session = { session: 'a/1', excluded: ['large'] }
  const home = atOnce(quota.enter(want(session)))
  assert.equal(home.credential, 'small')
  home.settle(undefined)
  assert.equal(atOnce(quota.enter(want({ session: 'a/1' }))).credential, 'small')
  assert.equal(clock.pending(), 0)
})

test('a session waits for its credential as long as its cache is worth, and others pass it', async () => {
  const { clock, quota } = bench(tokens, {
    credentials: ['one', 'two'].map((name) => ({
      name,
      weight: 1,
      share: 1,
      limits: { tokens: 6_000 },
    })),
  })
  const cached = { session: 's', inputTokens: 2_000, cachedTokens: 2_000 }
  const home = atOnce(quota.enter(want(cached))).credential
  const other = home === 'one' ? 'two' : 'one'
  while (
    quota.dimensions.some(
      ({ credential, remaining = 0 }) => credential === home && remaining > 1_000,
    )
  ) {
    atOnce(quota.enter(want({ excluded: [other], inputTokens: 500 })))
  }
  // 2,000 tokens of cache are worth 200 ms, and the room for them is seconds away.
  assert.equal(atOnce(quota.enter(want(cached))).credential, other)
  assert.equal(clock.pending(), 0)
})

test('calls in flight that end give their reservation back where the provider does', () => {
  const shape = {
    ...tokens,
    reserve: () => ({ requests: 1, input: 0, output: 0, tokens: 3_000 }),
    final: () => ({ requests: 1, input: 0, output: 0, tokens: 100 }),
  }
  const { quota } = bench(shape)
  const permit = atOnce(quota.enter(want()))
  assert.equal(quota.dimensions[0]?.used, 3_000)
  permit.observe(ok)
  permit.settle({ input: 50, cached: 0, output: 50 })
  permit.settle({ input: 50, cached: 0, output: 50 })
  permit.release()
  assert.equal(quota.dimensions[0]?.used, 100)
})

test('before the first answer calls go in doubling numbers where limits will be told', async () => {
  const { clock, quota } = bench(tokens, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: {} }],
    waitingMax: { interactive: 1_000, batch: 0 },
  })
  const permits: Permit[] = []
  for (let call = 0; call < 100; call++) {
    const entered = quota.enter(want())
    if (entered instanceof Promise) void entered.then((permit) => permits.push(permit))
    else permits.push(entered)
  }
  assert.equal(permits.length, 8)
  clock.advance(1_000)
  await turn()
  assert.equal(permits.length, 16)
  permits[0]?.observe(ok)
  clock.advance(5)
  await turn()
  assert.equal(permits.length, 100)
})

test('a configuration that leaves a credential as it was keeps what is known of it', () => {
  const { quota } = bench(tokens)
  atOnce(quota.enter(want({ inputTokens: 1_000 })))
  const options = {
    waitingMax: { interactive: 1, batch: 1 },
    tenantShareMax: 1,
    batchShare: 0.1,
  }
  const main = { name: 'main', weight: 1, share: 1, limits: { tokens: 6_000, concurrency: 1 } }
  quota.configure({ ...options, credentials: [main] })
  assert.equal(quota.dimensions[0]?.used, 1_000)
  quota.configure({ ...options, credentials: [{ ...main, identity: 'another key' }] })
  atOnce(quota.enter(want({ inputTokens: 10 })))
  assert.equal(quota.dimensions[0]?.used, 10)
})

test('with every credential excluded a call is refused, not kept', () => {
  const { quota } = bench(tokens)
  assert.equal(refusal(() => quota.enter(want({ excluded: ['main'] }))).reason, 'no-credential')
})

test('what waits is refused when the quota closes', async () => {
  const { clock, quota } = bench(places)
  atOnce(quota.enter(want()))
  const waiting = quota.enter(want())
  quota.close(new CallError('draining', 'Cannot send: the process ends'))
  await assert.rejects(async () => waiting, CallError)
  assert.equal(clock.pending(), 0)
})
