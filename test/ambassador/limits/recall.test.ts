import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Admission, Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { nothing } from '#ambassador/limits/quantities.ts'
import { manualClock } from '../../manual-clock.ts'
import { limitConfig } from './limit-config.ts'

const one = { requests: 1, inputTokens: 100, outputTokens: 50, picoUsd: undefined }

function setUp(search: object, calls: number) {
  const limiter = new Limiter({ provider: 'main', store: new MemoryStore(), clock: manualClock() })
  const configure = (next: object) => limiter.configure(limitConfig({ search: next, other: {} }))
  configure(search)
  const admissions = Array.from({ length: calls }, () => {
    const ask = { tenant: 'search', class: 'interactive', model: 'm', expected: one } as const
    const admission = limiter.admit(ask)
    assert.ok(!(admission instanceof Promise))
    return admission
  })
  /** Codes of those that wait, asked in their order. */
  const recalled = (waiting: readonly Admission[]) => {
    const recall = limiter.recall()
    return waiting.map(({ charges }) => recall.of({ tenant: 'search', charges })?.code)
  }
  return { limiter, configure, admissions, recalled }
}

test('while limits stay nobody is recalled', () => {
  const { admissions, recalled } = setUp(
    { limits: [{ requests: 5, per: 'day' }], concurrency: 5 },
    5,
  )
  assert.deepEqual(recalled(admissions), Array.from({ length: 5 }))
})

test('of a limit that falls as many are recalled as are beyond it', () => {
  const { configure, admissions, recalled } = setUp({ limits: [{ requests: 5, per: 'day' }] }, 5)
  configure({ limits: [{ requests: 3, per: 'day' }] })
  const left = ['tenant-limit', 'tenant-limit', undefined, undefined, undefined]
  assert.deepEqual(recalled(admissions), left)
})

test('what running calls have reserved counts, and they are not asked', () => {
  const { configure, admissions, recalled } = setUp({ limits: [{ tokens: 900, per: 'hour' }] }, 6)
  configure({ limits: [{ tokens: 450, per: 'hour' }] })
  assert.deepEqual(recalled(admissions.slice(4)), ['tenant-limit', 'tenant-limit'])
})

test('a cap that falls recalls as many as are beyond it', () => {
  const { configure, admissions, recalled } = setUp({ limits: [], concurrency: 4 }, 4)
  configure({ limits: [], concurrency: 3 })
  assert.deepEqual(recalled(admissions), ['tenant-concurrency', undefined, undefined, undefined])
})

test('a limit that is gone, or that never counted the call, recalls nobody', () => {
  const { configure, admissions, recalled } = setUp({ limits: [{ requests: 5, per: 'day' }] }, 2)
  configure({ limits: [] })
  assert.deepEqual(recalled(admissions), [undefined, undefined])
  configure({ limits: [{ requests: 1, per: 'hour' }] })
  assert.deepEqual(recalled(admissions), [undefined, undefined])
})

test('a call larger than what is left of its limit is told no time to come back at', () => {
  const { limiter, configure, admissions } = setUp({ limits: [{ tokens: 900, per: 'hour' }] }, 1)
  configure({ limits: [{ tokens: 100, per: 'hour' }] })
  const [call] = admissions
  assert.ok(call)
  const error = limiter.recall().of({ tenant: 'search', charges: call.charges })
  assert.equal(error?.facts['retryAfterMs'], undefined)
  void call.end(nothing)
})
