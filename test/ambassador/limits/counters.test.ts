import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundsOf, CalendarCounter } from '#ambassador/limits/calendar.ts'
import { SlidingMinute } from '#ambassador/limits/sliding-minute.ts'

const newYear = Date.UTC(2026, 0, 1)

interface Entry {
  readonly atMs: number
  amount: bigint
}

const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.nat(3_000), fc.nat(70_000)),
    amount: fc.bigInt(0n, 100n),
    takes: fc.option(fc.record({ entry: fc.nat(), share: fc.bigInt(0n, 100n) })),
  }),
  { maxLength: 60 },
)

test('a sliding minute counts exactly the charges of this second and the sixty before', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const counter = new SlidingMinute()
      const entries: Entry[] = []
      let nowMs = newYear
      for (const { waitMs, amount, takes } of all) {
        nowMs += waitMs
        counter.charge(amount, nowMs)
        entries.push({ atMs: nowMs, amount })
        const taken = takes === null ? undefined : entries[takes.entry % entries.length]
        if (takes !== null && taken !== undefined) {
          const share = (taken.amount * takes.share) / 100n
          counter.takeBack(share, taken.atMs, nowMs)
          taken.amount -= share
        }
        assert.equal(counter.used(nowMs), counted(entries, nowMs))
      }
    }),
  )
})

function counted(entries: readonly Entry[], nowMs: number): bigint {
  const second = (ms: number) => Math.floor(ms / 1_000)
  return entries
    .filter(({ atMs }) => second(atMs) >= second(nowMs) - 60)
    .reduce((sum, { amount }) => sum + amount, 0n)
}

test('a sliding minute falls to an amount at the instant it tells, not before', () => {
  fc.assert(
    fc.property(steps, fc.bigInt(0n, 300n), (all, allowed) => {
      const counter = new SlidingMinute()
      let nowMs = newYear
      for (const { waitMs, amount } of all) {
        nowMs += waitMs
        counter.charge(amount, nowMs)
      }
      const atMs = counter.fallsTo(allowed, nowMs)
      if (atMs > nowMs) assert.ok(counter.used(atMs - 1) > allowed)
      assert.ok(counter.used(atMs) <= allowed)
    }),
  )
})

test('months, days and hours begin and end where the calendar of UTC has them', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Date.UTC(2100, 0) }),
      fc.constantFrom('hour', 'day', 'month'),
      (atMs, span) => {
        const { start, end } = boundsOf(span, atMs)
        assert.ok(start <= atMs && atMs < end)
        assert.deepEqual(boundsOf(span, start), { start, end })
        assert.equal(boundsOf(span, end).start, end)
        const length = { hour: 13, day: 10, month: 7 }[span]
        const prefix = (ms: number) => new Date(ms).toISOString().slice(0, length)
        assert.equal(prefix(start), prefix(end - 1))
        assert.notEqual(prefix(start), prefix(end))
      },
    ),
  )
})

test('a day ends at midnight with nothing used', () => {
  const counter = new CalendarCounter('day')
  counter.charge(70n, newYear + 1)
  assert.equal(counter.used(newYear + 86_399_999), 70n)
  assert.equal(counter.fallsTo(69n, newYear + 5), newYear + 86_400_000)
  assert.equal(counter.used(newYear + 86_400_000), 0n)
})

test('what was charged yesterday is not given back today', () => {
  const counter = new CalendarCounter('day')
  counter.charge(70n, newYear)
  counter.charge(5n, newYear + 86_400_000)
  counter.takeBack(70n, newYear, newYear + 86_400_001)
  assert.equal(counter.used(newYear + 86_400_001), 5n)
})

test('a clock that is set back forgives nothing', () => {
  for (const counter of [new CalendarCounter('hour'), new SlidingMinute()]) {
    counter.charge(70n, newYear)
    assert.equal(counter.used(newYear - 7_200_000), 70n)
    counter.takeBack(30n, newYear, newYear - 7_200_000)
    assert.equal(counter.used(newYear - 7_199_000), 40n)
    // The hour between had nothing.
    assert.equal(counter.used(newYear - 3_600_000), 0n)
  }
})

test('a month that comes again has what was charged in it, whatever the clock did between', () => {
  const [december, january] = [newYear - 1_000, newYear + 1_000]
  const counter = new CalendarCounter('month')
  counter.charge(5n, december)
  counter.charge(3n, january)
  assert.equal(counter.used(january), 3n)
  assert.equal(counter.used(december), 8n)
  counter.charge(2n, december)
  counter.takeBack(1n, january, december)
  assert.equal(counter.used(december), 9n)
  assert.equal(counter.used(january), 2n)
  assert.equal(counter.used(december), 9n)
  assert.equal(counter.used(january), 2n)
})

test('a clock that was years ahead for a moment leaves no mark on the months to come', () => {
  const counter = new CalendarCounter('month')
  counter.charge(5n, newYear)
  counter.charge(3n, Date.UTC(2030, 0))
  assert.equal(counter.used(newYear), 8n)
  assert.equal(counter.used(Date.UTC(2026, 1)), 0n)
  assert.equal(counter.used(Date.UTC(2026, 2)), 0n)
})

test('a calendar counts at an instant at least what was charged in its span and not given back', () => {
  const hops = fc.array(
    fc.record({ day: fc.nat(2), amount: fc.bigInt(0n, 100n), takes: fc.bigInt(0n, 100n) }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(hops, (all) => {
      const counter = new CalendarCounter('day')
      const charged = [0n, 0n, 0n]
      for (const { day, amount, takes } of all) {
        const nowMs = newYear + day * 86_400_000
        counter.charge(amount, nowMs)
        const given = takes < amount ? takes : amount
        counter.takeBack(given, nowMs, nowMs)
        charged[day] = (charged[day] ?? 0n) + amount - given
        assert.ok(counter.used(nowMs) >= (charged[day] ?? 0n))
      }
    }),
  )
})
