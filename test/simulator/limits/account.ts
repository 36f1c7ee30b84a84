import {
  type AccountLimits,
  createLimiter,
  type LimitedVendor,
} from '#deploy/simulator/limits/limiter.ts'
import type { LimitedRequest } from '#deploy/simulator/limits/meter.ts'

/** Seconds since the limiter began, and what differs from a request of 100 tokens. */
export type Asked = Partial<Omit<LimitedRequest, 'atMs'>> & { readonly atS?: number }

/** 2026-01-01, so that instants in headers can be read. */
export const startMs = 1_767_225_600_000

/** One limiter and requests of one key to one model, unless a request says otherwise. */
export function account(vendor: LimitedVendor, limits: AccountLimits) {
  const limiter = createLimiter(vendor, { limits, now: startMs })
  const ask = ({ atS = 0, ...given }: Asked = {}) =>
    limiter.admit({
      atMs: startMs + atS * 1_000,
      credential: 'key',
      model: 'model',
      inputTokens: 100,
      cachedTokens: 0,
      maxOutputTokens: 0,
      ...given,
    })
  const header = (answer: ReturnType<typeof ask>, name: string) =>
    answer.headers.find(([key]) => key === name)?.[1]
  const settle = (id: number, atS: number, outputTokens: number) =>
    limiter.settle(id, { atMs: startMs + atS * 1_000, outputTokens })
  return { limiter, ask, header, settle }
}
