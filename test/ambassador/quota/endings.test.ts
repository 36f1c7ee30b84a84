import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ContinuousGauge } from '../../../ambassador/quota/continuous-gauge.ts'
import { FixedGauge } from '../../../ambassador/quota/fixed-gauge.ts'
import { Habits } from '../../../ambassador/quota/habits.ts'
import { PlaceGauge } from '../../../ambassador/quota/place-gauge.ts'
import { xaiLimits } from '../../../ambassador/quota/preset-shapes.ts'
import {
  anthropicLimits,
  azureLimits,
  compatibleLimits,
  groqLimits,
  openaiLimits,
} from '../../../ambassador/quota/shape.ts'
import { Slice } from '../../../ambassador/quota/slice.ts'
import { atOnce, bench, placesAtATime, tokensByMinute, want } from './wants.ts'

const fixed = { ...tokensByMinute, window: 'fixed' } as const
const shapes = {
  openaiLimits,
  azureLimits,
  anthropicLimits,
  groqLimits,
  xaiLimits,
  compatibleLimits,
}
const limits = { tokens: 200_000, 'input-tokens': 200_000, 'output-tokens': 80_000 }
const main = { name: 'main', weight: 1, share: 1, limits }

for (const [name, told] of Object.entries(shapes)) {
  // As where what was told of the limit is too old to refuse a call by.
  const shape = { ...told, certain: undefined }
  test(`${name}: what was asked beyond reason and answered without work is free at once`, () => {
    for (const more of [{ outputTokensMax: 1_000_000_000 }, { inputTokens: 999_999_999 }]) {
      const { quota } = bench(shape, { credentials: [main] })
      const permit = atOnce(quota.enter(want({ tenant: 'a', ...more })))
      permit.observe({ status: 400, headers: [], body: undefined })
      permit.dismiss()
      for (const { used, dimension } of quota.dimensions) {
        if (dimension !== 'requests') assert.ok(used < 1, `${dimension} ${used}`)
      }
      atOnce(quota.enter(want({ tenant: 'b', outputTokensMax: 50_000 }))).release()
    }
  })

  test(`${name}: one call never takes more than a bucket holds, and waits for no more`, () => {
    const { clock, quota } = bench(shape, { credentials: [main] })
    const huge = { inputTokens: 999_999_999, outputTokensMax: 1_000_000_000 }
    atOnce(quota.enter(want({ tenant: 'a', ...huge }))).settle(undefined)
    for (const { used, limit = 0 } of quota.dimensions) assert.ok(used <= limit)
    // After one window it is as if it had never been.
    clock.advance(60_100)
    atOnce(quota.enter(want({ tenant: 'b' }))).release()
    clock.advance(60_100)
    atOnce(quota.enter(want({ tenant: 'a', ...huge })))
  })
}

test('what was taken before a limit was known is no debt beyond the limit', () => {
  for (const gauge of [
    new ContinuousGauge(tokensByMinute, undefined, 0),
    new FixedGauge(fixed, undefined, 0),
  ]) {
    const first = gauge.take(10, 0)
    const huge = gauge.take(1e9, 0)
    gauge.learn({ limit: 6_000, remaining: 5_990, resetMs: 60_000 }, first, 0)
    assert.ok(gauge.waitMs(10, 0) <= 121_000)
    gauge.giveBack(huge, 0)
    assert.ok((gauge.view(0).remaining ?? 0) <= 6_000)
  }
})

test('a header that came with a refused call or a later one has told of it: it is not given back too', () => {
  for (const gauge of [
    new ContinuousGauge(tokensByMinute, 6_000, 0),
    new FixedGauge(fixed, 6_000, 0),
  ]) {
    const refused = gauge.take(3_000, 0)
    gauge.learn({ limit: 6_000, remaining: 2_500, resetMs: 60_000 }, refused, 0)
    gauge.giveBack(refused, 0)
    assert.equal(gauge.view(0).remaining, 2_500)
  }
})

test('one call that is all of a fixed window is no debt of the next', () => {
  const gauge = new FixedGauge(fixed, 6_000, 0)
  gauge.take(6_000, 0)
  const waitMs = gauge.waitMs(10, 0)
  assert.ok(waitMs > 59_000 && waitMs < 61_000)
  assert.equal(gauge.waitMs(100, 62_000), 0)
})

test('a stated maximum bounds what is expected, and is not what is expected', () => {
  const habits = new Habits()
  const huge = want({ outputTokensMax: 1_000_000_000 })
  assert.ok(habits.expect(huge).output <= 2_000)
  for (let call = 0; call < 50; call++) {
    habits.learn(huge, { input: 100, cached: 0, output: 20 })
  }
  assert.ok(habits.expect(huge).output < 150)
  assert.equal(habits.expect(want({ outputTokensMax: 10 })).output, 10)
})

test('a permit that was never used leaves its slice and the first calls’ doubling free', () => {
  const sliced = bench(anthropicLimits, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: { requests: 60 } }],
  })
  for (let call = 0; call < 20; call++) atOnce(sliced.quota.enter(want())).release()
  const unknown = bench(openaiLimits, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: {} }],
  })
  for (let call = 0; call < 20; call++) atOnce(unknown.quota.enter(want())).release()
})

test('a request that was sent and refused has used its slice', () => {
  const { quota } = bench(anthropicLimits, {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: { requests: 60 } }],
  })
  atOnce(quota.enter(want())).dismiss()
  assert.ok(quota.enter(want()) instanceof Promise)
})

test('what a slice was given back it does not remember, whatever was taken since', () => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(250), isSent: fc.boolean() }), {
    maxLength: 120,
  })
  fc.assert(
    fc.property(steps, fc.nat(6), (drawn, delay) => {
      const slice = new Slice(10 / 1_000, 1_000)
      const other = new Slice(10 / 1_000, 1_000)
      const unsent: number[] = []
      let nowMs = 0
      for (const { gapMs, isSent } of drawn) {
        // No two at one instant: which of them is given back would be all the same.
        nowMs += gapMs + 1
        if (slice.waitMs(nowMs, 1) > 0) continue
        slice.take(nowMs)
        if (isSent) other.take(nowMs)
        else unsent.push(nowMs)
        if (unsent.length > delay) slice.giveBack(unsent.shift() ?? 0)
      }
      for (const sentMs of unsent) slice.giveBack(sentMs)
      assert.equal(slice.waitMs(nowMs, 1), other.waitMs(nowMs, 1))
    }),
  )
})

test('a limit that is configured otherwise counts what was used under the other', () => {
  for (const gauge of [
    new ContinuousGauge(tokensByMinute, 6_000, 0),
    new FixedGauge(fixed, 6_000, 0),
  ]) {
    gauge.take(2_000, 0)
    gauge.setLimit(9_000, 0)
    assert.equal(gauge.view(0).remaining, 7_000)
    gauge.setLimit(1_000, 0)
    assert.equal(gauge.view(0).remaining, 0)
    gauge.setLimit(undefined, 0)
    assert.equal(gauge.waitMs(1e9, 0), 0)
    gauge.setLimit(500, 0)
    assert.equal(gauge.view(0).remaining, 500)
  }
  const places = new PlaceGauge(placesAtATime, 2)
  places.take(1, 0)
  places.setLimit(5)
  assert.deepEqual([places.view(0).limit, places.view(0).used], [5, 1])
  places.setLimit(undefined)
  assert.equal(places.view(0).limit, undefined)
})
