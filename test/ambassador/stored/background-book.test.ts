import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { BackgroundBook, type Estimate } from '#ambassador/stored/background-book.ts'
import { noUsage } from '#shared/dialects/usage.ts'
import { manualClock } from '../../manual-clock.ts'
import { limitConfig } from '../limits/limit-config.ts'

const labels = { tenant: 't', class: 'batch', model: 'm', provider: 'p', surface: undefined }
const holder = { tenant: 't', provider: 'p', credential: 'one' }
const estimate: Estimate = {
  call: 'call-1',
  labels,
  price: undefined,
  seller: undefined,
  usage: { ...noUsage, input: 10, output: 500 },
  earlier: noUsage,
  cost: undefined,
  admission: undefined,
}
const used = { ...noUsage, input: 14, cached: 4, output: 20, isExact: true }
const facts = { usage: used, usageObject: undefined, modifiers: [] }
const dayMs = 24 * 3_600_000

function setUp() {
  const clock = manualClock()
  const counted: (readonly [output: number, isExact: boolean])[] = []
  const onCounted = (_labels: object, usage: typeof noUsage) =>
    counted.push([usage.output, usage.isExact])
  return { clock, counted, book: new BackgroundBook({ clock, onCounted }) }
}

test('the first facts give the difference, and no others do', () => {
  const { book, counted, clock } = setUp()
  book.hold(holder, 'resp_1', estimate)
  assert.deepEqual(counted, [])
  const late = book.settle(holder, 'resp_1', facts)
  assert.deepEqual(
    [late?.call, late?.usage.input, late?.usage.cached, late?.usage.output, late?.usage.isExact],
    ['call-1', 4, 4, -480, true],
  )
  assert.equal(book.settle(holder, 'resp_1', facts), undefined)
  assert.deepEqual(counted, [[20, true]])
  book.close()
  assert.equal(clock.pending(), 0)
  assert.equal(counted.length, 1)
})

test('an id is one of its tenant and its credential', () => {
  const { book } = setUp()
  book.hold(holder, 'resp_1', estimate)
  for (const other of [{ tenant: 'u' }, { credential: 'two' }]) {
    assert.equal(book.has({ ...holder, ...other }, 'resp_1'), false)
    assert.equal(book.settle({ ...holder, ...other }, 'resp_1', facts), undefined)
  }
  assert.equal(book.has(holder, 'resp_1'), true)
  book.close()
})

test('who does not come within a day is counted by the estimate', () => {
  const { book, counted, clock } = setUp()
  book.hold(holder, 'resp_1', estimate)
  clock.advance(dayMs / 2)
  book.hold(holder, 'resp_2', estimate)
  clock.advance(dayMs / 2)
  assert.deepEqual(counted, [[500, false]])
  assert.deepEqual([book.has(holder, 'resp_1'), book.has(holder, 'resp_2')], [false, true])
  clock.advance(dayMs / 2)
  assert.equal(counted.length, 2)
  assert.deepEqual([book.size, clock.pending()], [0, 0])
})

test('it holds 4,096, the newest; of the others the estimate stands', () => {
  const { book, counted } = setUp()
  for (let at = 0; at < 5_000; at++) book.hold(holder, `resp_${at}`, estimate)
  assert.deepEqual([book.size, counted.length], [4_096, 904])
  assert.equal(book.has(holder, 'resp_903'), false)
  assert.equal(book.has(holder, 'resp_904'), true)
  book.close()
  assert.deepEqual([book.size, counted.length], [0, 5_000])
})

test('what failed attempts cost is part of both', () => {
  const { book, counted } = setUp()
  const earlier = { ...noUsage, input: 10, output: 1 }
  book.hold(holder, 'resp_1', { ...estimate, earlier })
  const late = book.settle(holder, 'resp_1', facts)
  assert.deepEqual([late?.usage.input, late?.usage.isExact], [14, false])
  assert.deepEqual(counted, [[21, false]])
})

test('lengths are those of the tenant’s own responses that were settled', () => {
  const { book } = setUp()
  assert.equal(book.lengthOf('t', 'm'), 0)
  for (const output of [100, 200]) {
    book.hold(holder, 'resp_1', estimate)
    book.settle(holder, 'resp_1', { ...facts, usage: { ...used, output } })
  }
  assert.equal(book.lengthOf('t', 'm'), 110)
  assert.equal(book.lengthOf('t', 'other'), 0)
  assert.equal(book.lengthOf('u', 'm'), 0)
})

test('the tenant’s limits count what was used, however far from the estimate', () => {
  for (const output of [20, 500, 800]) {
    const { book, clock } = setUp()
    const limiter = new Limiter({ provider: 'p', store: new MemoryStore(), clock })
    limiter.configure(limitConfig({ t: { limits: [{ outputTokens: 1_000, per: 'day' }] } }))
    const expected = { requests: 1, inputTokens: 10, outputTokens: 500, picoUsd: undefined }
    const admission = limiter.admit({ tenant: 't', class: 'batch', model: 'm', expected })
    assert.ok(!(admission instanceof Promise))
    void admission.end(expected)
    assert.equal(limiter.readings()[0]?.used, 500)
    book.hold(holder, 'resp_1', { ...estimate, admission })
    clock.advance(60_000)
    book.settle(holder, 'resp_1', { ...facts, usage: { ...used, output } })
    assert.equal(limiter.readings()[0]?.used, output)
    assert.equal(limiter.inFlight('t'), 0)
  }
})
