import fc from 'fast-check'
import { noUsage, type Usage } from '#shared/dialects/usage.ts'

/** A usage with `parts`, all else zero. */
export function usageWith(parts: Partial<Usage>): Usage {
  return { ...noUsage, isExact: true, ...parts }
}

/** Usages whose parts fit into their wholes. */
export function usages(tokensMax = 2_000_000): fc.Arbitrary<Usage> {
  const count = fc.integer({ min: 0, max: tokensMax })
  return fc
    .record({ whole: fc.array(count, { minLength: 4, maxLength: 4 }), output: count, share: count })
    .map(({ whole: [uncached = 0, cached = 0, write = 0, hour = 0], output, share }) => ({
      input: uncached + cached + write + hour,
      cached,
      cacheWrite: write + hour,
      cacheWrite1h: hour,
      output,
      reasoning: Math.min(output, share),
      isExact: true,
    }))
}
