import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import { GpuCharge } from '#ambassador/pool/fairness/gpu-charge.ts'
import { gpuCost } from '#ambassador/pool/fairness/gpu-cost.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'

const rates = { tokenMs: 1, pairMs: 0 }
const alone = { rates, inFlight: 1, slowness: 1 }

/** A call of 1,000 tokens of which 400 are thought to be cached. */
function setUp({ generates = 100 } = {}) {
  const index = new PrefixIndex({ blocksMax: 1_000 })
  index.open(0, 1_000)
  const ledger = new Ledger({ now: () => 0, index, blockTokens: 16 })
  const member = new Member(0, 'http://replica-0', ledger.book(0))
  const call = {
    id: '',
    tokens: 1_000,
    chain: chainOf(new Float64Array(0)),
    adapter: '',
    tenant: 'acme',
    class: 'interactive',
    arrivedMs: 0,
    outputMax: 500,
    session: '',
  }
  const entry = ledger.send(call, 0, { uncachedTokens: 600, plainMs: 600 })
  let sumMs = 0
  const correct = (ms: number) => {
    sumMs += ms
  }
  const charge = new GpuCharge({ entry, member, rates, generates, correct })
  const { speed } = member.book
  return { ledger, entry, charge, speed, inAllMs: () => charge.expectedMs + sumMs }
}

function costMs(cached: number, generated: number, slowness = 1): number {
  const work = { prompt: 1_000, cached, generated }
  const { prefillMs, decodeMs } = gpuCost(work, { ...alone, slowness })
  return prefillMs + decodeMs
}

test('what is cached costs nothing but the attention to it', () => {
  const attention = { ...alone, rates: { tokenMs: 1, pairMs: 1e-3 } }
  const cost = gpuCost({ prompt: 1_000, cached: 900, generated: 0 }, attention)
  assert.equal(cost.prefillMs, 100 + 1e-3 * (1_000 ** 2 - 900 ** 2))
  assert.equal(cost.decodeMs, 0)
})

test('of the steps in which it decodes a call has its part', () => {
  const work = { prompt: 0, cached: 0, generated: 10 }
  const [one, shared] = [1, 48].map((inFlight) => gpuCost(work, { ...alone, inFlight }).decodeMs)
  assert.ok(Math.abs((one ?? 0) - 48) < 0.1 && Math.abs((shared ?? 0) - 1) < 0.1)
})

test('a call is charged what is expected of it', () => {
  const { inAllMs } = setUp()
  assert.equal(inAllMs(), costMs(400, 100))
})

test('at its end it has been charged what it took', () => {
  const { ledger, entry, charge, speed, inAllMs } = setUp()
  ledger.firstToken(entry)
  ledger.streamed(entry, 30)
  charge.found(0, 500)
  charge.settle(60_000)
  assert.ok(Math.abs(inAllMs() - costMs(0, 30, speed.factor)) < 1e-9)
})

test('a replica counts cached tokens in its own tokens', () => {
  const { ledger, entry, charge, speed, inAllMs } = setUp()
  ledger.firstToken(entry)
  ledger.streamed(entry, 30)
  charge.found(100, 200)
  charge.settle(60_000)
  assert.ok(Math.abs(inAllMs() - costMs(500, 30, speed.factor)) < 1e-9)
})

test('a call that is refused at once costs no more than it was there', () => {
  const { charge, inAllMs } = setUp()
  charge.settle(3)
  assert.ok(Math.abs(inAllMs() - 3) < 1e-9)
})

test('a call that leaves before its first token has had its prefill', () => {
  const { charge, inAllMs } = setUp()
  charge.settle(60_000)
  assert.ok(Math.abs(inAllMs() - 600) < 1e-9)
})

test('a call is settled once', () => {
  const { charge, inAllMs } = setUp()
  charge.settle(3)
  charge.settle(60_000)
  assert.ok(Math.abs(inAllMs() - 3) < 1e-9)
})
