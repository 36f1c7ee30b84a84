import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Admission, type Ask, Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { nothing } from '#ambassador/limits/quantities.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { manualClock } from '../../manual-clock.ts'
import { limitConfig } from './limit-config.ts'

const dollar = 1_000_000_000_000n

function setUp(tenants: Readonly<Record<string, object>>) {
  const clock = manualClock()
  const limiter = new Limiter({ provider: 'main', store: new MemoryStore(), clock })
  const configure = (next: Readonly<Record<string, object>>) => limiter.configure(limitConfig(next))
  configure(tenants)
  return { clock, limiter, configure }
}

const one = { requests: 1, inputTokens: 100, outputTokens: 50, picoUsd: dollar / 4n }

function admit(limiter: Limiter, ask: Partial<Ask> = {}): Admission {
  const whole: Ask = { tenant: 'search', class: 'interactive', model: 'm', expected: one, ...ask }
  const admission = limiter.admit(whole)
  assert.ok(!(admission instanceof Promise))
  return admission
}

function refusal(limiter: Limiter, ask: Partial<Ask> = {}): CallError {
  try {
    admit(limiter, ask)
  } catch (error) {
    assert.ok(error instanceof CallError)
    return error
  }
  return assert.fail('the call was admitted')
}

function used(limiter: Limiter, tenant = 'search'): number[] {
  return limiter
    .readings()
    .filter((reading) => reading.tenant === tenant)
    .map((reading) => reading.used)
}

test('of many calls at the boundary exactly as many pass as the limit has room for', () => {
  const limits = [{ requests: 7, per: 'minute' }]
  const { limiter } = setUp({ search: { limits } })
  const verdicts = Array.from({ length: 50 }, () => {
    try {
      return admit(limiter)
    } catch {
      // Counted below: what is no admission was refused.
      return undefined
    }
  })
  assert.equal(verdicts.filter((verdict) => verdict !== undefined).length, 7)
  assert.deepEqual(used(limiter), [7])
})

test('the first call of a tenant counts', () => {
  const { limiter } = setUp({ search: { limits: [{ tokens: 149, per: 'day' }] } })
  assert.equal(refusal(limiter).code, 'tenant-limit')
})

test('a refusal names limit, used, requested and reset', () => {
  const { clock, limiter } = setUp({ search: { limits: [{ tokens: 200, per: 'hour' }] } })
  clock.advance(60_000)
  admit(limiter)
  const { code, message, facts } = refusal(limiter)
  assert.equal(code, 'tenant-limit')
  assert.equal(
    message,
    'Cannot admit the call: the limit is 200 tokens per hour, 150 used, 150 asked for; ' +
      'it fits in 3540s, at 2026-01-01T01:00:00Z',
  )
  const { retryAfterMs, ...rest } = facts
  const expected = { limit: 200, used: 150, requested: 150, unit: 'tokens', per: 'hour' }
  assert.deepEqual(rest, { ...expected, resetMs: 3_540_000 })
  assert.ok(Number(retryAfterMs) >= 3_540_000 && Number(retryAfterMs) < 3_545_001)
})

test('a refusal tells money in dollars and which models and classes it counts', () => {
  const limits = [{ usd: 0.3, per: 'month', models: ['small'], classes: ['interactive'] }]
  const { limiter } = setUp({ search: { limits } })
  admit(limiter)
  const { message, facts } = refusal(limiter)
  const rule = '0.30 US dollars per month for small of class interactive, 0.25 used, 0.25 asked for'
  assert.ok(message.includes(rule), message)
  assert.deepEqual([facts['limit'], facts['used'], facts['requested']], [0.3, 0.25, 0.25])
})

test('a call above the whole limit is told that waiting does not help', () => {
  const { limiter } = setUp({ search: { limits: [{ inputTokens: 99, per: 'day' }] } })
  const { message, facts } = refusal(limiter)
  assert.ok(message.endsWith('more than it ever allows'))
  assert.equal('resetMs' in facts, false)
  assert.equal('retryAfterMs' in facts, false)
})

test('of several limits in the way the refusal names the longest', () => {
  const limits = [
    { requests: 1, per: 'minute' },
    { requests: 1, per: 'day' },
    { requests: 1, per: 'hour' },
  ]
  const { limiter } = setUp({ search: { limits } })
  admit(limiter)
  assert.equal(refusal(limiter).facts['per'], 'day')
})

test('a call that one limit refuses counts under no other', () => {
  const limits = [
    { requests: 10, per: 'day' },
    { tokens: 100, per: 'day' },
  ]
  const { limiter } = setUp({ search: { limits } })
  refusal(limiter)
  assert.deepEqual(used(limiter), [0, 0])
  assert.equal(limiter.inFlight('search'), 0)
})

test('a call fits at the reset it was told', () => {
  const { clock, limiter } = setUp({ search: { limits: [{ requests: 2, per: 'minute' }] } })
  admit(limiter)
  clock.advance(30_500)
  admit(limiter)
  const resetMs = Number(refusal(limiter).facts['resetMs'])
  clock.advance(resetMs - 1)
  refusal(limiter)
  clock.advance(1)
  admit(limiter)
})

test('a call that came to no provider uses nothing', () => {
  const { limiter } = setUp({ search: { limits: [{ requests: 1, per: 'month' }] } })
  void admit(limiter).end(nothing)
  assert.deepEqual(used(limiter), [0])
  admit(limiter)
})

test('a call settles once, whatever ends it twice', () => {
  const { limiter } = setUp({ search: { limits: [{ tokens: 1_000, per: 'day' }] } })
  const [first, second] = [admit(limiter), admit(limiter)]
  for (let again = 0; again < 3; again++) void first?.end(nothing)
  assert.deepEqual(used(limiter), [150])
  assert.equal(limiter.inFlight('search'), 1)
  void second?.end(nothing)
})

test('what a call used beyond its reservation is charged, and the next is refused', () => {
  const { limiter } = setUp({ search: { limits: [{ outputTokens: 100, per: 'hour' }] } })
  void admit(limiter).end({ ...one, outputTokens: 400 })
  assert.deepEqual(used(limiter), [400])
  assert.equal(refusal(limiter).facts['used'], 400)
})

test('a limit counts by the target that serves, whatever alias was asked for', () => {
  const limits = [{ requests: 1, per: 'day', models: ['small'] }]
  const { limiter } = setUp({ search: { limits } })
  admit(limiter, { model: 'large' })
  admit(limiter, { model: 'large' })
  admit(limiter, { model: 'm' })
  refusal(limiter, { model: 'org/m:1' })
})

test('a limit for each model counts each by itself', () => {
  const { limiter } = setUp({ search: { limits: [{ requests: 1, per: 'day', each: 'model' }] } })
  admit(limiter, { model: 'm' })
  admit(limiter, { model: 'org/m:1' })
  refusal(limiter, { model: 'm' })
  assert.deepEqual(
    limiter.readings().map(({ model, used }) => [model, used]),
    [
      ['m', 1],
      ['org/m:1', 1],
      ['large', 0],
    ],
  )
})

test('a limit of one class leaves the other alone', () => {
  const { limiter } = setUp({
    search: { limits: [{ requests: 1, per: 'day', classes: ['batch'] }] },
  })
  admit(limiter, { class: 'batch' })
  refusal(limiter, { class: 'batch' })
  admit(limiter, { class: 'interactive' })
})

test('a limit in money refuses a model without a price', () => {
  const { limiter } = setUp({ search: { limits: [{ usd: 5, per: 'day' }] } })
  const error = refusal(limiter, { expected: { ...one, picoUsd: undefined } })
  assert.equal(error.code, 'model-forbidden')
  assert.equal(limiter.inFlight('search'), 0)
})

test('a call whose cost is not known in the end costs what was reserved', () => {
  const { limiter } = setUp({ search: { limits: [{ usd: 5, per: 'day' }] } })
  void admit(limiter).end({ ...one, picoUsd: undefined })
  assert.deepEqual(used(limiter), [0.25])
})

test('a tenant has no more calls in flight than its concurrency', () => {
  const { limiter } = setUp({ search: { concurrency: 2 } })
  const first = admit(limiter)
  admit(limiter)
  const error = refusal(limiter)
  assert.equal(error.code, 'tenant-concurrency')
  const { retryAfterMs, ...facts } = error.facts
  assert.deepEqual(facts, { limit: 2, used: 2, requested: 1 })
  assert.ok(Number(retryAfterMs) >= 1_000 && Number(retryAfterMs) <= 2_000)
  void first.end(one)
  admit(limiter)
})

test('a cap that a reload brings counts the calls already in flight', () => {
  const { limiter, configure } = setUp({ search: {} })
  const first = admit(limiter)
  configure({ search: { concurrency: 1 } })
  refusal(limiter)
  void first.end(one)
  admit(limiter)
})

test('a changed amount keeps what was used, a removed limit forgets it', () => {
  const limited = (requests: number) => ({ search: { limits: [{ requests, per: 'day' }] } })
  const { limiter, configure } = setUp(limited(10))
  for (let call = 0; call < 5; call++) admit(limiter)
  configure(limited(5))
  assert.equal(refusal(limiter).facts['used'], 5)
  configure({ search: {} })
  admit(limiter)
  configure(limited(5))
  assert.deepEqual(used(limiter), [0])
})

test('the order in which a limit names models and classes does not make it another', () => {
  const limits = (models: string[], classes: string[]) => ({
    search: { limits: [{ requests: 9, per: 'day', models, classes }] },
  })
  const { limiter, configure } = setUp(limits(['small', 'large'], ['batch', 'interactive']))
  admit(limiter)
  configure(limits(['large', 'small'], ['interactive', 'batch']))
  assert.deepEqual(used(limiter), [1])
})

test('a tenant that the configuration does not name is not limited', () => {
  const { limiter } = setUp({})
  admit(limiter, { tenant: 'default' })
  assert.equal(limiter.inFlight('default'), 1)
})

test('no tenant uses, fills or is told what is another’s, whatever their names', () => {
  const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/)
  const model = fc.constantFrom('m', 'org/m:1', 'large')
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 2, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), model), { maxLength: 40 }),
      (tenants, calls) => {
        const limits = [
          { requests: 3, per: 'day' },
          { requests: 2, per: 'day', each: 'model' },
          { tokens: 600, per: 'hour', models: ['large'] },
        ]
        const keys = { limits, concurrency: 4 }
        const all = setUp(Object.fromEntries(tenants.map((tenant) => [tenant, keys])))
        for (const [index, tenant] of tenants.entries()) {
          const alone = setUp({ [tenant]: keys })
          for (const [of, model] of calls) {
            const [mine, theirs] = [{ tenant, model }, { tenant: tenants[of % tenants.length] }]
            if (theirs.tenant !== tenant) continue
            assert.deepEqual(outcome(all.limiter, mine), outcome(alone.limiter, mine))
          }
          assert.deepEqual(used(all.limiter, tenant), used(alone.limiter, tenant))
          for (const later of tenants.slice(index + 1)) {
            assert.ok(used(all.limiter, later).every((amount) => amount === 0))
          }
        }
      },
    ),
  )
})

function outcome(limiter: Limiter, ask: Partial<Ask>): string {
  try {
    return `${admit(limiter, ask).standings.length} limits`
  } catch (error) {
    return String(error)
  }
}
