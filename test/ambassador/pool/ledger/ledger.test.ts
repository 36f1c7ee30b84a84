import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
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

/** The pace after a hundred answers of 101 tokens in 5 s, of which `act` tells what it likes. */
function paceAfter(act: (told: ReturnType<typeof ledgerOf>, entry: Entry) => void): number {
  const told = ledgerOf(100)
  for (let round = 0; round < 100; round++) {
    const entry = told.ledger.send(callOf([round]), 0, expected)
    told.ledger.firstToken(entry)
    act(told, entry)
    told.ledger.end(entry)
  }
  return told.ledger.book(0).pace.stepMs
}

test('an answer whose reader stalls tells nothing of its replica’s pace', () => {
  const read = paceAfter(({ ledger, advance }, entry) => {
    advance(5_000)
    ledger.streamed(entry, 101)
  })
  assert.ok(Math.abs(read - 50) < 1)
  const unread = paceAfter(({ ledger, advance }, entry) => {
    ledger.reads(entry, 'paused')
    advance(60_000)
    ledger.reads(entry, 'on')
    advance(5_000)
    ledger.streamed(entry, 101)
  })
  assert.equal(unread, 30)
})

test('of tokens that were held back the pace is known where the replica has counted them', () => {
  const held = (isCounted: boolean) =>
    paceAfter(({ ledger, advance }, entry) => {
      advance(4_500)
      ledger.firstContent(entry)
      advance(500)
      if (isCounted) ledger.said(entry, 101)
      else ledger.streamed(entry, 11)
    })
  assert.ok(Math.abs(held(true) - 50) < 1)
  assert.ok(Math.abs(held(false) - 50) < 1)
})

test('a first token that its reader came late for tells nothing of the speed', () => {
  const { ledger, advance } = ledgerOf(100)
  for (let round = 0; round < 100; round++) {
    const entry = ledger.send(callOf([round]), 0, { uncachedTokens: 16, plainMs: 100 + round })
    ledger.reads(entry, 'paused')
    advance(20_000)
    ledger.reads(entry, 'on')
    ledger.firstToken(entry)
    assert.deepEqual([entry.state, entry.firstTokenMs], ['decode', undefined])
    ledger.end(entry)
  }
  assert.equal(ledger.book(0).speed.factor, 1)
})

test('a call that is put off until its adapter is there is no work of its replica till then', () => {
  const { ledger, advance } = ledgerOf(100)
  const book = ledger.book(0)
  const call = { ...callOf([1]), adapter: 'sql' }
  const entry = ledger.send(call, 0, { uncachedTokens: 16, plainMs: 100 })
  ledger.lacksAdapter(entry)
  ledger.lacksAdapter(entry)
  assert.deepEqual([book.queuedTokens, book.queuedMs(0), book.inFlight], [0, 0, 1])
  advance(30_000)
  ledger.hasAdapter(entry)
  assert.equal(entry.sentMs, 30_000)
  assert.deepEqual([book.queuedTokens, book.queuedMs(30_000), book.inFlight], [16, 100, 1])
  advance(100)
  ledger.firstToken(entry)
  ledger.hasAdapter(entry)
  ledger.end(entry)
  ledger.lacksAdapter(entry)
  ledger.hasAdapter(entry)
  assert.deepEqual([book.queuedTokens, book.queuedMs(60_000), book.inFlight], [0, 0, 0])
})

test('a replica that claims more tokens than any context holds takes nothing from other counts', () => {
  const { ledger } = ledgerOf(100)
  const one = ledger.send(callOf([1], 18), 0, expected)
  const other = ledger.send(callOf([2], 18), 0, expected)
  ledger.said(one, 1e30)
  ledger.end(one)
  assert.equal(ledger.book(0).tailBlocks, 1)
  ledger.end(other)
  assert.equal(ledger.book(0).tailBlocks, 0)
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
