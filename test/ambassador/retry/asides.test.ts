import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Asides } from '../../../ambassador/retry/asides.ts'
import { noneLeft } from '../../../ambassador/retry/own-words.ts'
import { manualClock } from '../../manual-clock.ts'

test('the first credential that is back says when, and spent credit is told before a refusal', () => {
  const clock = manualClock()
  const asides = new Asides(clock)
  const untilMs = (ms: number) => clock.now() + ms
  asides.note('a', undefined, { kind: 'dead-credential', untilMs: untilMs(30_000) })
  asides.note('b', 'm', { kind: 'exhausted', untilMs: untilMs(50_000) })
  assert.deepEqual(asides.first(['a', 'b'], 'm'), { kind: 'exhausted', leftMs: 30_000 })
  assert.deepEqual(asides.first(['a', 'b'], 'other'), { kind: 'dead-credential', leftMs: 30_000 })
  assert.equal(asides.first(['b'], 'other'), undefined)
  clock.advance(30_000)
  assert.deepEqual(asides.first(['a', 'b'], 'm'), { kind: 'exhausted', leftMs: 20_000 })
  clock.advance(20_000)
  assert.equal(asides.first(['a', 'b'], 'm'), undefined)
})

test('a credential that is put aside for all models and for one is back when both are over', () => {
  const clock = manualClock()
  const asides = new Asides(clock)
  asides.note('a', undefined, { kind: 'dead-credential', untilMs: clock.now() + 1_000 })
  asides.note('a', 'm', { kind: 'dead-credential', untilMs: clock.now() + 5_000 })
  assert.equal(asides.first(['a'], 'm')?.leftMs, 5_000)
  assert.equal(asides.first(['a'], 'other')?.leftMs, 1_000)
})

test('what is remembered is bounded', () => {
  const clock = manualClock()
  const asides = new Asides(clock)
  for (let count = 0; count <= 1_024; count++) {
    asides.note(`key-${count}`, undefined, { kind: 'exhausted', untilMs: clock.now() + 1_000 })
  }
  assert.equal(asides.first(['key-0'], 'm'), undefined)
  assert.ok(asides.first(['key-1'], 'm') !== undefined)
})

test('where none is left the error says why and when', () => {
  const spent = noneLeft('p', { kind: 'exhausted', leftMs: 12_000.5 })
  assert.deepEqual(
    [spent.code, spent.facts],
    ['provider-exhausted', { retryAfterMs: 12_001, isFinal: true }],
  )
  assert.equal(noneLeft('p', { kind: 'dead-credential', leftMs: 1 }).code, 'provider-disabled')
  assert.deepEqual(noneLeft('p', undefined).facts, {})
})
