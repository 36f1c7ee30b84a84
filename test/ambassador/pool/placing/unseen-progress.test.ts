import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assumedRates } from '#ambassador/pool/cost/prefill-cost.ts'
import { expectation } from '#ambassador/pool/dispatch/chooser.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { UnseenProgress } from '#ambassador/pool/placing/unseen-progress.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'

const blockTokens = 16
const none = { length: 0, low: new Uint32Array(0), high: new Uint32Array(0) }

function setUp() {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 10_000 })
  index.open(0, 1_000)
  const ledger = new Ledger({ now: clock.now, index, blockTokens })
  const told: number[] = []
  /** Sends a call of so many prompt tokens. */
  const send = (tokens: number, outputMax = Number.POSITIVE_INFINITY): Entry => {
    const call: PoolCall = {
      id: '',
      tokens,
      chain: none,
      adapter: '',
      tenant: 't',
      class: 'interactive',
      arrivedMs: clock.now(),
      outputMax,
      session: '',
    }
    return ledger.send(call, 0, expectation(call, assumedRates, 0))
  }
  /** Tokens that were thought of when the call ended without a word. */
  const unknown: number[] = []
  const unseen = (entry: Entry, tokenMs = 10) =>
    new UnseenProgress({
      clock,
      ledger,
      entry,
      tokenMs: () => tokenMs,
      onFirstToken: () => told.push(clock.now()),
      onUnknown: () => unknown.push(entry.generated),
    })
  return { clock, ledger, send, unseen, told, unknown }
}

test('the prefill of a whole answer is over when the forecast says so, and its room is told', () => {
  const { clock, ledger, send, unseen, told } = setUp()
  const entry = send(8_000)
  const progress = unseen(entry)
  clock.advance(entry.plainMs - 1)
  assert.deepEqual([entry.state, ledger.book(0).queuedTokens], ['prefill', 8_000])
  clock.advance(1)
  assert.deepEqual([entry.state, ledger.book(0).queuedTokens], ['decode', 0])
  assert.equal(told.length, 1)
  progress.end()
  ledger.end(entry)
  assert.equal(clock.pending(), 0)
})

test('while a call that was sent before has no first token, that of a whole answer has not come', () => {
  const { clock, ledger, send, unseen } = setUp()
  const before = send(1_000)
  const entry = send(1_000)
  const progress = unseen(entry)
  clock.advance(60_000)
  assert.equal(entry.state, 'prefill')
  ledger.firstToken(before)
  clock.advance(100)
  assert.equal(entry.state, 'decode')
  progress.end()
})

test('then it grows at the pace of its replica, and takes room, up to what it may be', () => {
  const { clock, ledger, send, unseen } = setUp()
  const entry = send(160, 300)
  const progress = unseen(entry, 10)
  clock.advance(entry.plainMs + 1_000)
  assert.ok(Math.abs(entry.generated - 100) <= 1, `${entry.generated} tokens`)
  assert.equal(ledger.heldBlocks(0), Math.ceil((160 + entry.generated) / blockTokens))
  clock.advance(60_000)
  assert.equal(entry.generated, 300)
  progress.end()
})

test('how long it was replaces what was thought; where nobody says it, nothing is learnt', () => {
  const { clock, ledger, send, unseen } = setUp()
  const expected = () => ledger.remaining(send(16).call, 0)
  const before = expected()
  const silent = send(16)
  const first = unseen(silent)
  clock.advance(20_000)
  first.end()
  ledger.end(silent)
  assert.equal(expected(), before)
  const telling = send(16)
  const second = unseen(telling)
  clock.advance(20_000)
  second.settle()
  ledger.counted(telling, 5)
  second.end()
  assert.equal(telling.generated, 5)
  ledger.end(telling)
  assert.ok(expected() < before)
})

test('what was only presumed teaches no speed', () => {
  const { clock, ledger, send, unseen } = setUp()
  for (let count = 0; count < 20; count++) {
    const entry = send(4_000)
    const progress = unseen(entry)
    clock.advance(10_000)
    progress.end()
    ledger.end(entry)
  }
  assert.equal(ledger.book(0).speed.factor, 1)
})
