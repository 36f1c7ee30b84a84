import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundsOf } from '#ambassador/limits/calendar.ts'
import { type Admission, Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { nothing, type Quantities } from '#ambassador/limits/quantities.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { manualClock } from '../../manual-clock.ts'
import { limitConfig } from './limit-config.ts'

/** A limit of the oracle: every charge is kept for ever, and the sum made anew each time. */
interface Rule {
  readonly unit: 'requests' | 'tokens' | 'usd'
  readonly per: 'minute' | 'hour' | 'day'
  readonly entries: { readonly call: number; readonly atMs: number; amount: bigint }[]
  amount: bigint
  isThere: boolean
  /** Whether it was ever looked at since it is there: a limit nobody used has nothing to settle. */
  isKnown: boolean
}

interface Open {
  readonly call: number
  readonly atMs: number
  readonly reserved: Quantities
  readonly admission: Admission
}

const rules = (): Rule[] => [
  rule('requests', 'minute', 4n),
  rule('tokens', 'hour', 90n),
  rule('usd', 'day', 400n),
]

function rule(unit: Rule['unit'], per: Rule['per'], amount: bigint): Rule {
  return { unit, per, amount, entries: [], isThere: true, isKnown: false }
}

/** Money is limited to the millionth: one unit of the oracle is one dollar. */
const dollar = 1_000_000_000_000n

function amountOf({ unit }: Rule, { requests, inputTokens, outputTokens, picoUsd }: Quantities) {
  if (unit === 'usd') return (picoUsd ?? 0n) / dollar
  return BigInt(unit === 'requests' ? requests : inputTokens + outputTokens)
}

function usedOf({ per, entries }: Rule, nowMs: number): bigint {
  const startMs =
    per === 'minute' ? Math.floor(nowMs / 1_000) * 1_000 - 60_000 : boundsOf(per, nowMs).start
  return entries.filter(({ atMs }) => atMs >= startMs).reduce((sum, { amount }) => sum + amount, 0n)
}

const quantities = fc.record({
  requests: fc.constant(1),
  inputTokens: fc.nat(20),
  outputTokens: fc.nat(20),
  picoUsd: fc.bigInt(0n, 90n).map((dollars) => dollars * dollar),
})
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('admit'), expected: quantities }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('end'), at: fc.nat(), spent: quantities }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), at: fc.nat() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait'),
        ms: fc.constantFrom(
          1,
          400,
          1_000,
          30_000,
          60_000,
          61_000,
          1_800_000,
          3_600_000,
          90_000_000,
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('reload'),
        amounts: fc.tuple(...[6n, 120n, 500n].map((max) => fc.option(fc.bigInt(1n, max)))),
        cap: fc.integer({ min: 1, max: 5 }),
      }),
    },
  ),
  { maxLength: 80 },
)
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never

/** The limiter and its oracle, told the same. */
class Both {
  readonly clock = manualClock()
  readonly rules = rules()
  readonly open: Open[] = []
  readonly store = new MemoryStore()
  readonly limiter = new Limiter({ provider: 'main', store: this.store, clock: this.clock })
  cap = 5
  calls = 0

  constructor() {
    this.configure()
  }

  configure(): void {
    const limits = this.rules
      .filter(({ isThere }) => isThere)
      .map(({ unit, per, amount }) => ({ [unit]: Number(amount), per }))
    this.limiter.configure(limitConfig({ search: { limits, concurrency: this.cap } }))
  }

  run(step: Step): void {
    switch (step.kind) {
      case 'admit':
        return this.admit(step.expected)
      case 'end':
        return this.end(step.at, step.spent)
      case 'cancel':
        return this.end(step.at, nothing)
      case 'wait':
        return this.clock.advance(step.ms)
      case 'reload':
        return this.reload(step.amounts, step.cap)
    }
  }

  admit(expected: Quantities): void {
    const nowMs = this.clock.wall()
    const there = this.rules.filter(({ isThere }) => isThere)
    const isFull = this.open.length >= this.cap
    if (!isFull) for (const rule of there) rule.isKnown = true
    const fits = there.every(
      (rule) => usedOf(rule, nowMs) + amountOf(rule, expected) <= rule.amount,
    )
    const verdict = this.ask(expected)
    if (isFull || !fits) {
      assert.ok(verdict instanceof CallError)
      assert.equal(verdict.code, isFull ? 'tenant-concurrency' : 'tenant-limit')
      return
    }
    assert.ok(!(verdict instanceof CallError), 'the call fits')
    const call = this.calls++
    this.open.push({ call, atMs: nowMs, reserved: expected, admission: verdict })
    for (const rule of there) {
      rule.entries.push({ call, atMs: nowMs, amount: amountOf(rule, expected) })
    }
  }

  ask(expected: Quantities): Admission | CallError {
    try {
      const ask = { tenant: 'search', class: 'interactive', model: 'm', expected } as const
      const admission = this.limiter.admit(ask)
      assert.ok(!(admission instanceof Promise))
      return admission
    } catch (error) {
      assert.ok(error instanceof CallError)
      return error
    }
  }

  end(at: number, spent: Quantities): void {
    const [ended] = this.open.splice(at % (this.open.length + 1), 1)
    if (ended === undefined) return
    void ended.admission.end(spent)
    for (const rule of this.rules) {
      const wasCharged = ended.admission.standings.some(({ unit }) => unit === rule.unit)
      if (!wasCharged || !rule.isKnown) continue
      const difference = amountOf(rule, spent) - amountOf(rule, ended.reserved)
      const own = rule.entries.find(({ call }) => call === ended.call)
      if (difference > 0n) {
        rule.entries.push({ call: -1, atMs: this.clock.wall(), amount: difference })
      } else if (own !== undefined) own.amount += difference
    }
  }

  reload(amounts: readonly (bigint | null)[], cap: number): void {
    this.clock.advance(1)
    this.cap = cap
    for (const [index, rule] of this.rules.entries()) {
      const amount = amounts[index] ?? undefined
      rule.isThere = amount !== undefined
      if (amount === undefined) {
        rule.entries.length = 0
        rule.isKnown = false
      } else rule.amount = amount
    }
    this.configure()
    this.clock.advance(1)
  }

  check(): void {
    const nowMs = this.clock.wall()
    assert.equal(this.limiter.inFlight('search'), this.open.length)
    const readings = this.limiter.readings().map(({ limit, used }) => [limit, used])
    const expected = this.rules
      .filter(({ isThere }) => isThere)
      .map((rule) => [`${rule.unit} per ${rule.per}`, Number(usedOf(rule, nowMs))])
    assert.deepEqual(readings, expected)
  }
}

test('any order of calls, endings and reloads leaves what a list of all charges tells', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const both = new Both()
      for (const step of all) {
        both.run(step)
        both.check()
      }
      while (both.open.length > 0) both.end(0, nothing)
      both.check()
      assert.equal(both.limiter.inFlight('search'), 0)
    }),
    { numRuns: 400 },
  )
})

test('a limit is passed by no more than calls in flight used beyond their reservations', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(quantities, quantities), { maxLength: 40 }), (pairs) => {
      const both = new Both()
      both.cap = 1_000
      both.configure()
      const admitted = pairs.flatMap(([expected, spent]) => {
        const admission = both.ask(expected)
        return admission instanceof CallError ? [] : [{ expected, spent, admission }]
      })
      let overshoot = 0n
      const tokens = (of: Quantities) => BigInt(of.inputTokens + of.outputTokens)
      for (const { expected, spent, admission } of admitted) {
        void admission.end(spent)
        const excess = tokens(spent) - tokens(expected)
        if (excess > 0n) overshoot += excess
      }
      const used = both.limiter.readings().find(({ limit }) => limit === 'tokens per hour')?.used
      assert.ok(BigInt(used ?? 0) <= 90n + overshoot)
      const whole = admitted.reduce((sum, { spent }) => sum + tokens(spent), 0n)
      assert.equal(BigInt(used ?? 0), whole)
    }),
  )
})
