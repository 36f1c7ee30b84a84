import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SizeQuantile } from '#ambassador/pool/dispatch/size-quantile.ts'

test('the bound is that of the last thousand sizes, looked at every 64', () => {
  const some = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 90 })
  fc.assert(
    fc.property(some, fc.constantFrom(0, 0.02, 0.3), fc.nat(2_600), (few, share, count) => {
      const quantile = new SizeQuantile(share)
      const sizes = Array.from({ length: count }, (_, at) => (few[at % few.length] ?? 0) + (at % 7))
      for (const size of sizes) quantile.add(size)
      const looked = sizes.slice(0, count - (count % 64)).slice(-1_024)
      const sorted = looked.toSorted((one, other) => one - other)
      const bound = sorted[Math.ceil(sorted.length * (1 - share)) - 1] ?? Number.POSITIVE_INFINITY
      assert.equal(quantile.bound, bound)
    }),
    { numRuns: 60 },
  )
})
