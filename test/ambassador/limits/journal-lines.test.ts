import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJournal, encodeStates, journalHead } from '#ambassador/limits/journal-lines.ts'
import type { CounterState } from '#ambassador/limits/memory-store.ts'

const state = fc.record(
  {
    key: fc.oneof(fc.constantFrom('["a","b"]', '["a\\",\\"b"]', 'x\ny'), fc.string()),
    span: fc.constantFrom('minute', 'hour', 'day', 'month'),
    slots: fc.array(fc.tuple(fc.maxSafeNat(), fc.bigInt(0n, 10n ** 30n)), { maxLength: 4 }),
  },
  { noNullPrototype: true },
)
const states: fc.Arbitrary<CounterState[]> = fc.array(state, { maxLength: 6 })

function lastOfEach(all: readonly CounterState[]): CounterState[] {
  return [...new Map(all.map((state) => [state.key, state])).values()]
}

test('what was written is read back, the last line of each counter', () => {
  fc.assert(
    fc.property(states, (all) => {
      const bytes = Buffer.from(journalHead + encodeStates(all))
      const expected = { kind: 'states', states: lastOfEach(all), damagedLines: 0 }
      assert.deepEqual(decodeJournal(bytes), expected)
    }),
  )
})

test('a crash at any byte leaves every line that was whole', () => {
  fc.assert(
    fc.property(states, (all) => {
      const bytes = Buffer.from(journalHead + encodeStates(all))
      for (let end = 0; end <= bytes.length; end++) {
        const cut = bytes.subarray(0, end)
        const whole = Math.max(0, cut.toString().split('\n').length - 2)
        assert.deepEqual(decodeJournal(cut), {
          kind: 'states',
          states: lastOfEach(all.slice(0, whole)),
          damagedLines: 0,
        })
      }
    }),
    { numRuns: 30 },
  )
})

test('damaged lines are counted and harm no other', () => {
  const kept: CounterState = { key: 'k', span: 'day', slots: [[1_000, 7n]] }
  for (const damage of [
    'null',
    '{',
    '[]',
    '["k","week",[]]',
    '["k","day",[[-1,"5"]]]',
    '["k","day",[[1.5,"5"]]]',
    '["k","day",[[1,5]]]',
    '["k","day",[[1,"-5"]]]',
    '["k","day",[[1,"5e3"]]]',
    '\0\0\0',
  ]) {
    const bytes = Buffer.from(`${journalHead}${encodeStates([kept])}${damage}\n`)
    assert.deepEqual(decodeJournal(bytes), { kind: 'states', states: [kept], damagedLines: 1 })
  }
})

test('no bytes make the reading throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, hasHead) => {
      decodeJournal(Buffer.concat([Buffer.from(hasHead ? journalHead : ''), bytes]))
    }),
  )
})

test('another program’s or version’s file is foreign', () => {
  const other = journalHead.replace('1', '2')
  assert.deepEqual(decodeJournal(Buffer.from(other)), { kind: 'foreign' })
  assert.deepEqual(decodeJournal(Buffer.from('hello')), { kind: 'foreign' })
  assert.deepEqual(decodeJournal(Buffer.from('\n')), { kind: 'foreign' })
})
