import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputKeys } from '#ambassador/limits/asked-output.ts'
import { type LimitedCall, limit } from '#ambassador/limits/limit.ts'
import { Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { nothing, type Quantities, spentOn } from '#ambassador/limits/quantities.ts'
import type { Charge, LimitStore, Settlement, Verdict } from '#ambassador/limits/store.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { limitConfig } from './limit-config.ts'

interface Call extends LimitedCall {
  spent: Quantities
}

const question: CallRequest = {
  method: 'POST',
  path: '/v1/chat/completions',
  query: '',
  headers: [],
  incoming: {
    declaredBytes: undefined,
    contentEncoding: undefined,
    read() {},
    pause() {},
    resume() {},
  },
  body: Buffer.from('{"model":"m"}'),
}

function newCall(clock: ManualClock, given: Partial<Call> = {}): Call {
  return {
    admission: undefined,
    bodyValues: new Map(),
    cancellation: new Cancellation(),
    class: 'interactive',
    clock,
    inputEstimate: 100,
    model: 'm',
    outputCap: undefined,
    surface: surfaceOf('/v1/chat/completions'),
    tenant: 'search',
    spent: nothing,
    ...given,
  }
}

/** As whoever settles a call does, whatever has become of it. */
function settle(call: Call): void {
  void call.admission?.end(call.spent)
}

const answer = (): CallResponse => ({
  status: 200,
  headers: ['x-request-id', '7'],
  body: bytesBody(Buffer.from('{}')),
})

function setUp(keys: object, store: LimitStore = new MemoryStore()) {
  const clock = manualClock()
  const limiter = new Limiter({ provider: 'main', store, clock })
  limiter.configure(limitConfig({ search: keys }))
  const layer = limit<Call>({
    limiter,
    picoUsdOf: (_call, { input, output }) => BigInt(input + output) * 1_000_000n,
  })
  const used = () => limiter.readings().map((reading) => reading.used)
  return { clock, limiter, layer, used }
}

const used = (inputTokens: number, outputTokens: number): Quantities => ({
  requests: 1,
  inputTokens,
  outputTokens,
  picoUsd: BigInt(inputTokens + outputTokens) * 1_000_000n,
})

test('a place and a reservation last until the answer has ended', async () => {
  const limits = [{ tokens: 10_000, per: 'day' }]
  const { clock, layer, limiter, used: readings } = setUp({ limits, concurrency: 1 })
  const serve = layer(() => Promise.resolve(answer()))
  const call = newCall(clock)
  await serve(question, call)
  assert.deepEqual(readings(), [1_124])
  assert.throws(() => serve(question, newCall(clock)), { code: 'tenant-concurrency' })
  call.spent = used(90, 10)
  settle(call)
  assert.deepEqual(readings(), [100])
  assert.equal(limiter.inFlight('search'), 0)
})

test('an answer that is capped on its way reserves no more than the cap', async () => {
  const { clock, layer, used: readings } = setUp({ limits: [{ tokens: 10_000, per: 'day' }] })
  const serve = layer(() => Promise.resolve(answer()))
  await serve(question, newCall(clock, { outputCap: 50 }))
  assert.deepEqual(readings(), [150])
})

test('a call that fails before its provider gives back place and reservation', async () => {
  const limits = [{ requests: 1, per: 'day' }]
  const { clock, layer, limiter, used: readings } = setUp({ limits, concurrency: 1 })
  const failing = layer(() =>
    Promise.reject(new CallError('no-healthy-replica', 'Cannot serve: no replica is healthy')),
  )
  for (let again = 0; again < 5; again++) {
    const call = newCall(clock)
    await assert.rejects(failing(question, call), { code: 'no-healthy-replica' })
    settle(call)
  }
  assert.deepEqual(readings(), [0])
  assert.equal(limiter.inFlight('search'), 0)
})

test('a refused call reaches nothing below, and its ending settles nothing', () => {
  const { clock, layer, limiter, used: readings } = setUp({ limits: [{ tokens: 50, per: 'day' }] })
  const serve = layer(() => assert.fail('the call went on'))
  const call = newCall(clock)
  assert.throws(() => serve(question, call), { code: 'tenant-limit' })
  settle(call)
  assert.deepEqual(readings(), [0])
  assert.equal(limiter.inFlight('search'), 0)
})

for (const [kind, store] of [
  ['at once', new MemoryStore()],
  ['later', soon(new MemoryStore())],
] as const) {
  test(`what asks for more output than is ever allowed is told by which members, ${kind}`, async () => {
    const { clock, layer } = setUp({ limits: [{ outputTokens: 1_000, per: 'day' }] }, store)
    const serve = layer(() => assert.fail('the call went on'))
    const body = Buffer.from('{"model":"m","max_tokens":50,"n":1000000}')
    const { values } = scanTopLevel(body, outputKeys)
    const call = newCall(clock, { bodyValues: values })
    const asked = async () => serve({ ...question, body }, call)
    await assert.rejects(asked, (error: unknown) => {
      assert.ok(error instanceof CallError && error.code === 'tenant-limit')
      assert.match(error.message, /more than it ever allows; 'n' is 1000000, 'max_tokens' is 50$/)
      assert.equal(error.facts['field'], 'n')
      return true
    })
    // One that fits another day is not to blame.
    const fits = newCall(clock, { outputCap: 900 })
    await layer(() => Promise.resolve(answer()))(question, fits)
    const again = async () => serve(question, newCall(clock, { outputCap: 900 }))
    await assert.rejects(again, (error: unknown) => {
      assert.ok(error instanceof CallError && error.code === 'tenant-limit')
      assert.equal(error.facts['field'], undefined)
      return true
    })
  })
}

test('a question that is too long by itself blames none of its members', () => {
  const { clock, layer } = setUp({ limits: [{ tokens: 1_000, per: 'day' }] })
  const serve = layer(() => assert.fail('the call went on'))
  const body = Buffer.from('{"model":"m","max_tokens":50}')
  const bodyValues = scanTopLevel(body, outputKeys).values
  const call = newCall(clock, { bodyValues, inputEstimate: 5_000 })
  const told = { code: 'tenant-limit', message: /more than it ever allows$/ }
  assert.throws(() => serve({ ...question, body }, call), told)
})

test('a question that is only counted uses nothing and is never refused', async () => {
  const { clock, layer, used: readings } = setUp({ limits: [{ tokens: 1, per: 'day' }] })
  const serve = layer(() => Promise.resolve(answer()))
  await serve(question, newCall(clock, { surface: surfaceOf('/v1/messages/count_tokens') }))
  assert.deepEqual(readings(), [0])
})

test('an answer tells how the tenant’s limits stand', async () => {
  const { clock, layer } = setUp({ limits: [{ requests: 5, per: 'minute' }] })
  const { headers } = await layer(() => Promise.resolve(answer()))(question, newCall(clock))
  assert.equal(header(headers, 'x-request-id'), '7')
  assert.equal(header(headers, 'x-ratelimit-remaining-requests'), '4')
  assert.equal(header(headers, 'x-ratelimit-reset-requests'), '1m1s')
})

/** A store that answers when told to, as a shared one would. */
class SlowStore extends MemoryStore {
  readonly waiting: (() => void)[] = []

  reserveLate(charges: readonly Charge[], wallMs: number): Promise<Verdict> {
    return new Promise((resolve) => {
      this.waiting.push(() => resolve(super.reserve(charges, wallMs)))
    })
  }
}

/** `store`, but for the way it reserves. */
function reservedBy(store: LimitStore, reserve: LimitStore['reserve']): LimitStore {
  return {
    reserve,
    settle: (settlement: Settlement, wallMs) => store.settle(settlement, wallMs),
    retain: (keys) => store.retain(keys),
    used: (key, wallMs) => store.used(key, wallMs),
  }
}

function late(store: SlowStore): LimitStore {
  return reservedBy(store, (charges, wallMs) => store.reserveLate(charges, wallMs))
}

/** As a shared one does. */
function soon(store: LimitStore): LimitStore {
  return reservedBy(store, async (charges, wallMs) => store.reserve(charges, wallMs))
}

test('a store that answers later holds the place meanwhile and refuses alike', async () => {
  const store = new SlowStore()
  const keys = { limits: [{ requests: 1, per: 'day' }], concurrency: 2 }
  const { clock, layer, limiter } = setUp(keys, late(store))
  const serve = layer(() => Promise.resolve(answer()))
  const [first, second] = [newCall(clock), newCall(clock)]
  const both = [serve(question, first), serve(question, second)]
  assert.throws(() => serve(question, newCall(clock)), { code: 'tenant-concurrency' })
  for (const answerNow of store.waiting) answerNow()
  assert.equal((await both[0])?.status, 200)
  await assert.rejects(both[1] ?? Promise.resolve(), { code: 'tenant-limit' })
  assert.equal(limiter.inFlight('search'), 1)
  settle(first)
  settle(second)
  assert.equal(limiter.inFlight('search'), 0)
})

test('a caller that leaves while a store thinks reaches no provider', async () => {
  const store = new SlowStore()
  const keys = { limits: [{ requests: 1, per: 'day' }] }
  const { clock, layer, limiter, used: readings } = setUp(keys, late(store))
  const call = newCall(clock)
  const serving = layer(() => assert.fail('the call went on'))(question, call)
  call.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  for (const answerNow of store.waiting) answerNow()
  await assert.rejects(serving, { code: 'client-left' })
  settle(call)
  assert.deepEqual(readings(), [0])
  assert.equal(limiter.inFlight('search'), 0)
})

/** Repeatable chance: Knuth's constants for a linear congruence modulo 2^64. */
function dice(): (sides: number) => number {
  let state = 42n
  return (sides) => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n)
    return Number((state >> 33n) % BigInt(sides))
  }
}

/** Serves, fails, cuts and is retried, and keeps its own books. */
class Provider {
  requests = 0
  input = 0
  output = 0
  readonly #roll: (sides: number) => number

  constructor(roll: (sides: number) => number) {
    this.#roll = roll
  }

  async serve(call: Call): Promise<CallResponse> {
    const usage = { input: 0, output: 0 }
    const failed = (
      hasReached: boolean,
      code: 'connect-failed' | 'draining' | 'upstream-reset',
    ) => {
      call.spent = spentOn({ hasReached, usage, picoUsd: 0n })
      throw new CallError(code, 'Cannot serve: scripted')
    }
    const fate = this.#roll(10)
    if (fate === 0) failed(false, 'draining')
    if (fate === 1) failed(false, 'connect-failed')
    this.requests++
    if (fate === 2) failed(true, 'upstream-reset')
    usage.input = this.#roll(400)
    // An answer that is cut has used less than one that is whole, and some more than was set aside.
    usage.output = fate === 3 ? this.#roll(5) : this.#roll(1_500)
    this.input += usage.input
    this.output += usage.output
    const picoUsd = BigInt(usage.input + usage.output) * 1_000_000n
    call.spent = spentOn({ hasReached: true, usage, picoUsd })
    await Promise.resolve()
    return answer()
  }
}

test('over 100,000 calls the limits hold what the provider counted', async () => {
  const limits = [
    { requests: 60_000, per: 'month' },
    { tokens: 900_000_000, per: 'month' },
    { outputTokens: 900_000_000, per: 'day' },
    { usd: 1_000_000, per: 'month' },
  ]
  const { clock, layer, limiter, used: readings } = setUp({ limits, concurrency: 40 })
  const roll = dice()
  const provider = new Provider(roll)
  const serve = layer((_request, call) => provider.serve(call))
  const open: Call[] = []
  const endOne = () => {
    const [ended] = open.splice(roll(Math.max(1, open.length)), 1)
    if (ended !== undefined) settle(ended)
  }
  const refused = new Map<string, number>()
  for (let at = 0; at < 100_000; at++) {
    const call = newCall(clock)
    open.push(call)
    try {
      await serve(question, call)
    } catch (error) {
      assert.ok(error instanceof CallError)
      refused.set(error.code, (refused.get(error.code) ?? 0) + 1)
    }
    if (at % 7 === 0) clock.advance(10)
    if (roll(100) > 1) endOne()
    if (open.length > 60) while (open.length > 5) endOne()
  }
  while (open.length > 0) endOne()
  const { requests, input, output } = provider
  const dollars = (input + output) / 1_000_000
  assert.deepEqual(readings(), [requests, input + output, output, dollars])
  assert.equal(limiter.inFlight('search'), 0)
  assert.equal(requests, 60_000)
  for (const code of ['tenant-limit', 'tenant-concurrency', 'connect-failed', 'upstream-reset']) {
    assert.ok((refused.get(code) ?? 0) > 0, code)
  }
})
