import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Group, ordered } from '../../../sidecar/route/order.ts'
import { Signals } from '../../../sidecar/route/signals.ts'
import { manualClock } from '../../manual-clock.ts'
import { groupOf, names, seeded } from './models.ts'

const at = (provider: string, more: object = {}) => ({ provider, model: 'x', ...more })
const parts = (session?: string) => ({ signals: new Signals(), clock: manualClock(), session })

/** How many of `count` calls each target got first. */
function firsts(group: Group, count: number, sessionOf?: (at: number) => string) {
  const clock = seeded(7)
  const got: Record<string, number> = {}
  for (let call = 0; call < count; call++) {
    const order = ordered(group, { signals: new Signals(), clock, session: sessionOf?.(call) })
    const first = order[0]?.provider ?? ''
    got[first] = (got[first] ?? 0) + 1
  }
  return got
}

/** Within five standard deviations of a binomial count: one run in a million is beyond. */
function assertShare(got: number | undefined, count: number, share: number): void {
  const deviation = Math.sqrt(count * share * (1 - share))
  assert.ok(Math.abs((got ?? 0) - count * share) < 5 * deviation, `${got} of ${count}`)
}

test('a split gives each target its share, the others behind as a reserve', () => {
  const group = groupOf({
    split: [at('a', { weight: 70 }), at('b', { weight: 25 }), at('c', { weight: 5 })],
  })
  const got = firsts(group, 20_000)
  assertShare(got['a'], 20_000, 0.7)
  assertShare(got['b'], 20_000, 0.25)
  assertShare(got['c'], 20_000, 0.05)
  assert.deepEqual(
    ordered(group, parts())
      .map(({ provider }) => provider)
      .toSorted(),
    ['a', 'b', 'c'],
  )
})

test('sessions of a sticky split are spread by weight as well', () => {
  const group = groupOf({ split: [at('a', { weight: 3 }), at('b')], sticky: 'session' })
  const got = firsts(group, 8_000, (call) => `session-${call}`)
  assertShare(got['a'], 8_000, 0.75)
})

test('a session stays where it is, whatever the moment', () => {
  const group = groupOf({ split: [at('a'), at('b'), at('c')], sticky: 'session' })
  fc.assert(
    fc.property(fc.string(), fc.nat(), (session, seed) => {
      const one = ordered(group, parts(session))
      const other = ordered(group, { ...parts(session), clock: seeded(seed) })
      assert.equal(names(one), names(other))
    }),
  )
})

test('a session keeps its target when another one is added or taken away', () => {
  const three = groupOf({ split: [at('a'), at('b', { weight: 2 }), at('c')], sticky: 'session' })
  const four = groupOf({
    split: [at('d', { weight: 3 }), at('c'), at('b', { weight: 2 }), at('a')],
    sticky: 'session',
  })
  fc.assert(
    fc.property(fc.string(), (session) => {
      const all = ordered(four, parts(session)).filter(({ provider }) => provider !== 'd')
      assert.equal(names(all), names(ordered(three, parts(session))))
    }),
  )
})

test('calls without a session are spread, also in a sticky split', () => {
  const group = groupOf({ split: [at('a'), at('b')], sticky: 'session' })
  assertShare(firsts(group, 2_000)['a'], 2_000, 0.5)
})

test('a split that is not sticky does not look at sessions', () => {
  const group = groupOf({ split: [at('a'), at('b')] })
  assertShare(firsts(group, 2_000, () => 'the same')['a'], 2_000, 0.5)
})

test('the least busy one comes first, and equals take turns', () => {
  const signals = new Signals()
  const group = groupOf({ leastBusy: [at('a'), at('b'), at('c')] })
  signals.of(at('a')).inFlight = 2
  signals.of(at('b')).inFlight = 1
  assert.equal(names(ordered(group, { ...parts(), signals })), 'c b a')
  assertShare(firsts(group, 3_000)['a'], 3_000, 1 / 3)
})

test('the fastest one comes first, until it is loaded or has failed', () => {
  const signals = new Signals()
  const group = groupOf({ fastest: [at('a'), at('b')] })
  const order = () => names(ordered(group, { ...parts(), signals }))
  signals.of(at('a')).observe(300, 0)
  signals.of(at('b')).observe(100, 0)
  assert.equal(order(), 'b a')
  signals.of(at('b')).inFlight = 3
  assert.equal(order(), 'a b')
  signals.of(at('b')).inFlight = 0
  signals.of(at('b')).fail(0)
  assert.equal(order(), 'a b')
})

test('the cheapest comes first, equals in the order of the file', () => {
  const group = groupOf({
    cheapest: [
      at('a', { cost: 5 }),
      at('b', { cost: 0.2 }),
      at('c', { cost: 0.2 }),
      at('d', { cost: 1 }),
    ],
  })
  assert.equal(names(ordered(group, parts())), 'b c d a')
})

test('every order holds each target of the group once', () => {
  const choices = fc.constantFrom('split', 'leastBusy', 'fastest', 'cheapest')
  fc.assert(
    fc.property(choices, fc.integer({ min: 1, max: 4 }), fc.nat(), (choice, count, seed) => {
      const targets = ['a', 'b', 'c', 'd'].slice(0, count).map((name) => at(name))
      const order = ordered(groupOf({ [choice]: targets }), { ...parts(), clock: seeded(seed) })
      assert.equal(new Set(order).size, count)
    }),
  )
})
