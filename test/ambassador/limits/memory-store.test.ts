import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { counterKey } from '#ambassador/limits/store.ts'

const atMs = Date.UTC(2026, 0, 1, 12)
const charge = { key: counterKey(['search', 'x']), span: 'day', limit: 100n, amount: 10n } as const

test('a clock that steps back by seconds stands still, so that no window turns twice', () => {
  const store = new MemoryStore()
  const midnight = Date.UTC(2026, 0, 2)
  store.reserve([charge], midnight)
  store.reserve([charge], midnight - 4_000)
  assert.equal(store.used(charge.key, midnight - 4_000), 20n)
  assert.equal(store.used(charge.key, midnight), 20n)
})

test('a clock that is corrected by an hour is followed, and forgives nothing', () => {
  const store = new MemoryStore()
  store.reserve([{ ...charge, span: 'hour' }], atMs)
  assert.equal(store.used(charge.key, atMs - 3_600_000), 10n)
  assert.equal(store.used(charge.key, atMs), 10n)
  assert.equal(store.used(charge.key, atMs + 3_600_000), 0n)
})

test('what was written by a clock that was set back since is used in its own span', () => {
  const store = new MemoryStore()
  const hour = { ...charge, span: 'hour' } as const
  store.restore([{ key: hour.key, span: 'hour', slots: [[atMs, 7n]] }], atMs - 3_600_000)
  assert.equal(store.used(hour.key, atMs - 3_600_000), 7n)
  assert.equal(store.used(hour.key, atMs), 7n)
  assert.equal(store.used(hour.key, atMs + 3_600_000), 0n)
})

test('one charge that does not fit leaves all others uncharged', () => {
  const store = new MemoryStore()
  const large = { ...charge, key: counterKey(['search', 'y']), amount: 101n }
  const verdict = store.reserve([charge, large], atMs)
  assert.equal(verdict.isReserved, false)
  assert.equal(store.used(charge.key, atMs), 0n)
})

test('a call of a limit that was removed and came again takes nothing from the calls since', () => {
  const store = new MemoryStore()
  store.reserve([charge], atMs)
  store.retain(new Set())
  store.settle({ charges: [charge], atMs, spent: [90n] }, atMs + 1)
  assert.equal(store.used(charge.key, atMs + 1), 0n)
  store.reserve([charge], atMs + 2)
  store.settle({ charges: [charge], atMs, spent: [0n] }, atMs + 3)
  assert.equal(store.used(charge.key, atMs + 3), 10n)
})

test('changes are told once', () => {
  const store = new MemoryStore()
  store.reserve([charge], atMs)
  assert.deepEqual(store.changes(atMs), [
    { key: charge.key, span: 'day', slots: [[Date.UTC(2026, 0, 1), 10n]] },
  ])
  assert.deepEqual(store.changes(atMs), [])
  assert.equal(store.states(atMs).length, 1)
})

test('no two lists of parts make one key', () => {
  const lists = [
    ['a', 'b'],
    ['a,b'],
    ['a","b'],
    ['', 'a', 'b'],
    ['a', '', 'b'],
    ['a\\', 'b'],
    ['ab'],
  ]
  assert.equal(new Set(lists.map(counterKey)).size, lists.length)
})
