import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Signal, Signals } from '../../../sidecar/route/signals.ts'

const rounded = (value: number) => Math.round(value * 10) / 10

test('a slow answer counts at once, quick ones by and by', () => {
  const signal = new Signal()
  signal.observe(100, 0)
  assert.equal(signal.score(0), 100)
  signal.observe(900, 0)
  assert.equal(signal.score(0), 900)
  // A third of the old one is left after 10 s.
  signal.observe(100, 10_000)
  assert.equal(rounded(signal.score(10_000)), rounded(900 / Math.E + 100 * (1 - 1 / Math.E)))
})

test('what was seen fades, and a target that was slow is tried again', () => {
  const signal = new Signal()
  signal.observe(1_000, 0)
  assert.equal(rounded(signal.score(10_000)), rounded(1_000 / Math.E))
  assert.ok(signal.score(60_000) < 3)
})

test('calls in flight weigh as much as the answers before them', () => {
  const signal = new Signal()
  signal.observe(100, 0)
  signal.inFlight = 3
  assert.equal(signal.score(0), 400)
})

test('a target that fails counts as slow, however quick its refusal', () => {
  const signal = new Signal()
  signal.observe(50, 0)
  signal.fail(5)
  assert.equal(signal.score(5), 10_000)
})

test('one call finds out about a target that nothing is known of', () => {
  const signal = new Signal()
  assert.equal(signal.score(0), 0)
  signal.inFlight = 1
  assert.equal(signal.score(0), 10_000)
})

test('a call that ended before its answer tells how slow the target is at least', () => {
  const signal = new Signal()
  signal.observe(500, 0)
  signal.waited(100, 0)
  assert.equal(signal.score(0), 500)
  signal.waited(30_000, 0)
  assert.equal(signal.score(0), 30_000)
})

test('signals of provider and model are kept apart, of 1,024 targets at most', () => {
  const signals = new Signals()
  const one = signals.of({ provider: 'a', model: 'x' })
  assert.equal(signals.of({ provider: 'a', model: 'x' }), one)
  assert.notEqual(signals.of({ provider: 'a', model: 'y' }), one)
  for (let at = 0; at < 3_000; at++) signals.of({ provider: 'a', model: `m${at}` })
  assert.ok(signals.size <= 1_024)
})

test('looking at a target leaves nothing behind', () => {
  const signals = new Signals()
  const seen = signals.seen({ provider: 'a', model: 'x' })
  assert.deepEqual([seen.inFlight, seen.score(5), signals.size], [0, 0, 0])
})
