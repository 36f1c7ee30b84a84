import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { type ErrorCode } from '#shared/errors/table.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { type InboundResponse, Origins } from '#shared/http/client.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { ReplicaPool } from '../../../ambassador/pool/pool.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { bothClocks } from '../breaker/both-clocks.ts'
import { chatRequest } from '../chat-request.ts'
import { drained, noCredentials } from './scripted-call.ts'

/** What a replica does with a call: a status, an error before its head, or one in its body. */
type Deed = number | ErrorCode | { readonly breaks: ErrorCode }

/** All answer their probes, and say nothing of themselves. */
class Healthy extends Origins {
  override async exchange(): Promise<InboundResponse> {
    return { status: 200, headers: [], body: bytesBody(Buffer.alloc(0)), trailers: () => ({}) }
  }
}

interface Told {
  readonly status: number
  readonly code: string
  readonly atMs: readonly number[]
}

/** The retry layer over a pool whose replicas do what `deeds` says, and take calls by turns. */
function setUp(
  t: TestContext,
  deeds: Deed[],
  retried: object = { budgetPercent: 0, budgetFloor: 0 },
) {
  const { clock, advance } = bothClocks(t)
  const addresses = deeds.map((_, at) => `http://r${at}:1`)
  const snapshot = snapshotOf({ kind: 'vllm', replicas: { addresses }, retry: retried })
  const provider = snapshot.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  const pool = new ReplicaPool({ clock, origins: new Healthy(), onHealth() {} })
  pool.configure(provider.replicas)
  const breakers = new Breakers({ clock, onChange() {}, breakersMax: 1 })
  t.after(() => {
    pool.close()
    breakers.close()
  })
  let calls = 0
  const turn = { credential: '', observe() {}, end() {} }
  const layer = retry({
    provider: () => provider,
    credentials: {
      ...noCredentials,
      next: (_context, excluded) => (excluded.has('') ? undefined : turn),
    },
    breakers,
    budget: new RetryBudget(clock),
    onAttempt() {},
    onSuperseded() {},
    onGiveUp() {},
    pool,
  })
  const attempt = async (context: AmbassadorCall, atMs: number[]): Promise<CallResponse> => {
    const { replicasTried } = context
    const turned = addresses.map((_, step) => (calls + step) % addresses.length)
    const at = turned.find((one) => !replicasTried.includes(addresses[one] ?? '')) ?? 0
    const deed = deeds[at] ?? 200
    context.attempts++
    context.replica = addresses[at]
    replicasTried.push(addresses[at] ?? '')
    atMs.push(clock.now())
    if (typeof deed === 'string') throw new CallError(deed, 'Cannot x: y')
    const body = bytesBody(Buffer.from('{}'))
    if (typeof deed === 'number') return { status: deed, headers: [], body }
    context.firstContentMs = 1
    const failed = new CallError(deed.breaks, 'Cannot go on: broken')
    const broken = { ...body, pipe: (sink: Parameters<typeof body.pipe>[0]) => sink.fail(failed) }
    return { status: 200, headers: [], body: broken }
  }
  /** One call, read to its end, time passing as fast as it waits. */
  const call = async (): Promise<Told> => {
    const context = callWith(clock, snapshot, { isStream: true })
    context.attemptsMax = provider.retry.attempts
    const atMs: number[] = []
    let told: Told | undefined
    const run = async () => {
      try {
        const { status, body } = await layer(() => attempt(context, atMs))(chatRequest(), context)
        await drained(body)
        told = { status, code: '', atMs }
      } catch (error) {
        assert.ok(error instanceof CallError, String(error))
        told = { status: 0, code: error.code, atMs }
      }
    }
    void run()
    for (let tick = 0; tick < 1_000; tick++) {
      for (let turns = 0; turns < 30; turns++) await Promise.resolve()
      if (told !== undefined) break
      await advance(100)
    }
    assert.ok(told !== undefined, 'the call never ended')
    for (const undo of context.atEnd) undo()
    calls++
    return told
  }
  const state = () => breakers.rows()[0]?.state
  return { call, advance, state, deeds, limits: provider.breaker, pool }
}

const ofReplica = [
  'connect-failed',
  'connect-timeout',
  'upstream-reset',
  'upstream-early-end',
  'upstream-aborted',
  'upstream-garbage',
  'upstream-refused',
  429,
  500,
  502,
  503,
] as const

test('a call that a replica has failed is at another one at once, whatever the budget', async (t) => {
  for (const deed of ofReplica) {
    t.mock.timers.reset()
    const { call, state } = setUp(t, [deed, 200])
    const { status, atMs } = await call()
    assert.deepEqual([status, atMs.length], [200, 2], String(deed))
    assert.equal(atMs[0], atMs[1], String(deed))
    assert.equal(state(), 'closed')
  }
})

test('the second other replica is asked at once as well, and taken from the budget', async (t) => {
  const poor = setUp(t, ['connect-failed', 'connect-failed', 200])
  assert.deepEqual(
    { ...(await poor.call()), atMs: 0 },
    { status: 0, code: 'connect-failed', atMs: 0 },
  )
  t.mock.timers.reset()
  const rich = setUp(t, ['connect-failed', 'connect-failed', 200], { budgetFloor: 1 })
  const { status, atMs } = await rich.call()
  assert.deepEqual([status, new Set(atMs).size], [200, 1])
})

test('what took its time is asked again at the expense of the budget alone', async (t) => {
  const slow = ['head-timeout', 'first-content-timeout', 'idle-timeout', 504] as const
  for (const deed of slow) {
    t.mock.timers.reset()
    assert.equal((await setUp(t, [deed, 200]).call()).atMs.length, 1, String(deed))
    t.mock.timers.reset()
    const { status, atMs } = await setUp(t, [deed, 200], { budgetFloor: 1 }).call()
    assert.deepEqual([status, new Set(atMs).size], [200, 1], String(deed))
  }
})

test('a call that breaks servers breaks three of them without a wait, and no more than its attempts', async (t) => {
  const deeds: Deed[] = Array.from({ length: 16 }, () => 'upstream-reset')
  const { call } = setUp(t, deeds, { attempts: 6, budgetFloor: 100 })
  const { atMs } = await call()
  assert.equal(atMs.length, 6)
  assert.equal(new Set(atMs.slice(0, 3)).size, 1)
})

test('one replica that fails all of its calls leaves the breaker closed, with and without an end of theirs', async (t) => {
  for (const deed of ['connect-failed', { breaks: 'upstream-reset' }] as const) {
    t.mock.timers.reset()
    const { call, state } = setUp(t, [deed, 200, 200])
    for (let count = 0; count < 60; count++) await call()
    assert.equal(state(), 'closed')
  }
})

test('a pool all of whose replicas fail opens its breaker, be they few or many', async (t) => {
  for (const deed of ['connect-failed', { breaks: 'upstream-reset' }] as const) {
    for (const replicas of [1, 2, 3, 8]) {
      t.mock.timers.reset()
      const { call, state, limits } = setUp(
        t,
        Array.from({ length: replicas }, () => deed),
      )
      let calls = 0
      while (state() !== 'open' && calls < 100) {
        await call()
        calls++
      }
      // Where there was content, the share of failures opens it.
      assert.ok(
        calls <= Math.max(limits.failures, limits.volume) + replicas,
        `${replicas}: ${calls}`,
      )
    }
  }
})

test('a probe that meets a dead replica goes on at one that lives, and shows that the pool is back', async (t) => {
  const { call, state, deeds, advance, limits } = setUp(t, ['connect-failed', 'connect-failed'])
  let calls = 0
  while (state() !== 'open' || calls % 2 === 1) {
    await call()
    calls++
  }
  assert.equal((await call()).code, 'breaker-open')
  await advance(limits.reset)
  // It is the second one's turn.
  deeds[0] = 200
  const probe = await call()
  assert.deepEqual([probe.status, probe.atMs.length], [200, 2])
  await advance(100)
  assert.equal(state(), 'closed')
})

test('a probe that no replica answers keeps the breaker open', async (t) => {
  const { call, state, advance, limits } = setUp(t, ['connect-failed', 'connect-failed'])
  while (state() !== 'open') await call()
  await advance(limits.reset)
  assert.equal((await call()).code, 'connect-failed')
  await advance(100)
  assert.equal(state(), 'open')
})
