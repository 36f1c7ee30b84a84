import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineRates } from '#ambassador/pool/admission/line-rates.ts'
import { StepPace } from '#ambassador/pool/admission/step-pace.ts'
import { stepMs, TtftForecast } from '#ambassador/pool/admission/ttft-forecast.ts'
import { assumedRates, prefillMs } from '#ambassador/pool/cost/prefill-cost.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'

const blockTokens = 100

function callOf(tokens: number, outputMax = 300): PoolCall {
  const chain = { length: 0, low: new Uint32Array(0), high: new Uint32Array(0) }
  const who = { id: '', adapter: '', tenant: 't', class: 'interactive', session: '' }
  return { ...who, tokens, chain, arrivedMs: 0, outputMax }
}

/** Replicas of so many blocks. */
function setUp(capacities: readonly number[]) {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 10_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = capacities.map((blocks, slot) => {
    index.open(slot, blocks)
    const member = new Member(slot, `http://r${slot}:1`, ledger.book(slot))
    member.capacityBlocks = blocks
    return member
  })
  const pace = new StepPace()
  const forecast = new TtftForecast({
    clock,
    settings: fair,
    ledger,
    index,
    members: () => members,
    blockTokens,
    rates: assumedRates,
    line: new LineRates(),
    paceOf: () => pace,
  })
  /** A call at a replica, all of it to be computed. */
  const send = (slot: number, call: PoolCall) => {
    const plainMs = prefillMs(assumedRates, call.tokens, 0)
    return ledger.send(call, slot, { uncachedTokens: call.tokens, plainMs })
  }
  const of = (call: PoolCall) => forecast.of(call, () => ({ blocks: 0, plainMs: 0 }))
  return { clock, ledger, pace, send, of }
}

test('alone a call takes its own prefill and a step', () => {
  const { of } = setUp([1_000])
  const { waitMs, ttftMs, aloneMs } = of(callOf(2_000))
  assert.equal(waitMs, 0)
  assert.ok(Math.abs(ttftMs - prefillMs(assumedRates, 2_000, 0) - stepMs) < 1e-6)
  assert.equal(aloneMs, ttftMs)
})

test('it waits for the prefill before it, at the replica where that is least', () => {
  const { of, send } = setUp([1_000, 1_000])
  send(0, callOf(20_000))
  send(1, callOf(5_000))
  const { waitMs, ttftMs, aloneMs } = of(callOf(2_000))
  assert.equal(waitMs, 0)
  assert.ok(Math.abs(ttftMs - aloneMs - prefillMs(assumedRates, 5_000, 0)) < 1)
})

test('where it does not fit it waits until calls there are expected to have ended', () => {
  const { of, send, ledger, pace } = setUp([100])
  const running = send(0, callOf(8_000, 200))
  ledger.firstToken(running)
  const { waitMs } = of(callOf(5_000))
  // 200 tokens at most, at the pace of one call.
  assert.ok(waitMs > 100 * pace.tokenMs(1) && waitMs <= 200 * pace.tokenMs(1), String(waitMs))
  ledger.end(running)
  assert.equal(of(callOf(5_000)).waitMs, 0)
})
