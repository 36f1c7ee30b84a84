import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RatioQuantiles } from '#ambassador/pool/admission/ratio-quantiles.ts'

test('with nothing seen a forecast is right in the middle, and wrong by a factor below two in most', () => {
  const ratios = new RatioQuantiles()
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => ratios.at(share, 0))
  assert.ok(Math.abs((middle ?? 0) - 1) < 0.02)
  assert.ok((low ?? 0) > 0.5 && (low ?? 0) < 0.6)
  assert.ok((high ?? 0) > 1.7 && (high ?? 0) < 2)
})

test('what is seen is what the quantiles say', () => {
  const ratios = new RatioQuantiles()
  for (let at = 0; at < 2_000; at++) ratios.add(2 + (at % 100) / 50, 0)
  assert.ok(Math.abs(ratios.at(0.1, 0) - 2.2) < 0.2)
  assert.ok(Math.abs(ratios.at(0.5, 0) - 3) < 0.2)
  assert.ok(Math.abs(ratios.at(0.9, 0) - 3.8) < 0.3)
})

test('what was seen fades with time: a pool that refuses everything believes the plain forecast again', () => {
  const ratios = new RatioQuantiles()
  for (let at = 0; at < 500; at++) ratios.add(20, at)
  assert.ok(ratios.at(0.1, 500) > 15)
  assert.ok(ratios.at(0.1, 600_000) < 0.7)
})

test('a higher quantile is never below a lower one, whatever was seen', () => {
  const ratio = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(ratio, { maxLength: 60 }), fc.nat(100_000), (seen, nowMs) => {
      const ratios = new RatioQuantiles()
      for (const each of seen) ratios.add(each, 0)
      const quantiles = [0.05, 0.1, 0.3, 0.5, 0.9, 0.99].map((share) => ratios.at(share, nowMs))
      for (const [at, each] of quantiles.entries()) {
        assert.ok(each > 0 && Number.isFinite(each))
        assert.ok(at === 0 || each >= (quantiles[at - 1] ?? 0) - 1e-9)
      }
    }),
  )
})
