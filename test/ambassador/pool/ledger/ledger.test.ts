import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { acts, RandomWork } from './random-work.ts'

const blockTokens = 16

function callOf(keys: readonly number[], tokens = keys.length * blockTokens): PoolCall {
  return {
    id: '',
    tokens,
    chain: chainOf(Float64Array.from(keys)),
    adapter: '',
    tenant: 'acme',
    class: 'interactive',
    arrivedMs: 0,
    outputMax: 1_000,
    session: '',
  }
}

function ledgerOf(capacity: number) {
  let nowMs = 0
  const index = new PrefixIndex({ blocksMax: 10_000 })
  index.open(0, capacity)
  index.open(1, capacity)
  const ledger = new Ledger({ now: () => nowMs, index, blockTokens })
  const advance = (ms: number) => {
    nowMs += ms
  }
  return { index, ledger, advance }
}

const expected = { uncachedTokens: 48, plainMs: 10 }

test('blocks that two calls share are held once, and until both have ended', () => {
  const { ledger } = ledgerOf(100)
  const one = ledger.send(callOf([1, 2, 3]), 0, expected)
  const other = ledger.send(callOf([1, 2, 4]), 0, expected)
  assert.equal(ledger.heldBlocks(0), 4)
  ledger.end(one)
  assert.equal(ledger.heldBlocks(0), 3)
  ledger.end(other)
  assert.equal(ledger.heldBlocks(0), 0)
})

test('the partial last block and what is generated are held, rounded up to blocks', () => {
  const { ledger } = ledgerOf(100)
  // 3 full blocks and 2 tokens: 4 blocks; 14 more tokens fill the fourth, one more begins a fifth.
  const entry = ledger.send(callOf([1, 2, 3], 50), 0, expected)
  assert.equal(ledger.heldBlocks(0), 4)
  ledger.streamed(entry, 14)
  assert.equal(ledger.heldBlocks(0), 4)
  ledger.streamed(entry, 15)
  assert.equal(ledger.heldBlocks(0), 5)
  ledger.end(entry)
  assert.equal(ledger.heldBlocks(0), 0)
})

test('an end that is told twice counts once', () => {
  const { ledger } = ledgerOf(100)
  const entry = ledger.send(callOf([1]), 0, expected)
  ledger.send(callOf([2]), 0, expected)
  ledger.end(entry)
  ledger.end(entry)
  assert.equal(ledger.book(0).inFlight, 1)
  assert.equal(ledger.heldBlocks(0), 1)
})

test('queued prefill drains with time, and never by more than the one that runs', () => {
  const { ledger, advance } = ledgerOf(100)
  const first = ledger.send(callOf([1]), 0, { uncachedTokens: 16, plainMs: 100 })
  ledger.send(callOf([2]), 0, { uncachedTokens: 16, plainMs: 50 })
  assert.equal(ledger.book(0).queuedMs(0), 150)
  assert.equal(ledger.book(0).queuedMs(40), 110)
  assert.equal(ledger.book(0).queuedMs(400), 50)
  advance(120)
  ledger.firstToken(first)
  assert.equal(ledger.book(0).queuedMs(120), 50)
  assert.equal(ledger.book(0).queuedTokens, 16)
})

test('a replica that takes twice as long as predicted is seen to', () => {
  const { ledger, advance } = ledgerOf(100)
  for (let round = 0; round < 200; round++) {
    const plainMs = 50 + (round % 10) * 100
    const entry = ledger.send(callOf([round]), 0, { uncachedTokens: 16, plainMs })
    advance(30 + 2 * plainMs)
    ledger.firstToken(entry)
    ledger.end(entry)
  }
  const { factor } = ledger.book(0).speed
  assert.ok(factor > 1.8 && factor < 2.2, String(factor))
  assert.equal(ledger.book(1).speed.factor, 1)
})

test('prefills that overlap tell nothing of the speed', () => {
  const { ledger, advance } = ledgerOf(100)
  for (let round = 0; round < 50; round++) {
    const entries = [1, 2].map((key) =>
      ledger.send(callOf([round * 2 + key]), 0, { uncachedTokens: 16, plainMs: 100 }),
    )
    advance(10_000)
    for (const entry of entries) {
      ledger.firstToken(entry)
      ledger.end(entry)
    }
  }
  assert.equal(ledger.book(0).speed.factor, 1)
})

test('what the replica says of its KV corrects the count, and nothing while calls wait there', () => {
  const { ledger } = ledgerOf(1_000)
  const entry = ledger.send(callOf([1, 2, 3, 4]), 0, expected)
  ledger.firstToken(entry)
  for (let scrape = 0; scrape < 60; scrape++) ledger.observe(0, { kvUsage: 0.1, waiting: 0 })
  assert.ok(Math.abs(ledger.heldBlocks(0) - 100) < 1)
  // Less than was counted: some of them may have been stopped.
  for (let scrape = 0; scrape < 60; scrape++) ledger.observe(0, { kvUsage: 0, waiting: 3 })
  assert.ok(Math.abs(ledger.heldBlocks(0) - 100) < 1)
  for (let scrape = 0; scrape < 60; scrape++) ledger.observe(0, { kvUsage: 0.004, waiting: 0 })
  assert.ok(Math.abs(ledger.heldBlocks(0) - 4) < 1)
})

test('a replica that is forgotten holds nothing, and its calls end without effect', () => {
  const { ledger, index } = ledgerOf(100)
  const entry = ledger.send(callOf([1, 2]), 0, expected)
  ledger.forget(0)
  index.close(0)
  index.open(0, 100)
  assert.equal(ledger.book(0).inFlight, 0)
  ledger.firstToken(entry)
  ledger.streamed(entry, 5)
  ledger.end(entry)
  assert.equal(ledger.heldBlocks(0), 0)
})

const happenings = fc.array(
  fc.record({
    act: fc.constantFrom(...acts),
    which: fc.nat(1_000),
    slot: fc.nat(3),
    amount: fc.nat(99),
  }),
  { maxLength: 120 },
)

test('whatever happens in whatever order, nothing is held at rest', () => {
  fc.assert(
    fc.property(happenings, (plan) => {
      const work = new RandomWork()
      for (const happening of plan) work.apply(happening)
      work.rest()
    }),
    { numRuns: 200 },
  )
})
