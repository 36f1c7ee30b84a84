import type { Gauge, Mark } from './gauge.ts'
import type { LimitFact } from './headers.ts'
import type { RefusalFacts } from './refusal.ts'

/** What is known of a refusal: gauges, what headers told of each, and what each was asked for. */
export interface Suspects {
  readonly gauges: readonly Gauge[]
  readonly facts: readonly (LimitFact | undefined)[]
  readonly refusal: RefusalFacts
  readonly marks: readonly Mark[]
  readonly nowMs: number
}

/**
 * Which gauges a refusal is about: those whose headers leave no room for the call; else those that
 * the body names; else the one that is not told of in headers; none where that is a guess.
 */
export function blame({ gauges, facts, refusal, marks, nowMs }: Suspects): Gauge[] {
  const short = gauges.filter((_gauge, at) => {
    const remaining = facts[at]?.remaining
    return remaining !== undefined && remaining < (marks[at]?.amount ?? 0)
  })
  if (short.length > 0) return short
  const named = gauges.filter(
    ({ dimension }) =>
      dimension.unit === refusal.unit &&
      (refusal.windowMs === undefined || refusal.windowMs === dimension.windowMs),
  )
  if (named.length > 0) return named
  const places = gauges.filter(({ dimension }) => dimension.unit === 'concurrency')
  if (places.length > 0) return places
  const silent = gauges.filter(
    (gauge, at) => facts[at] === undefined && gauge.view(nowMs).limit !== undefined,
  )
  return silent.length === 1 ? silent : []
}
