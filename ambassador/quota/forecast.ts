import type { Credential, Family } from './credential.ts'
import { type Amounts, amountOf } from './shape.ts'

/** A credential that could serve, and the gauges that it has for the calls in question. */
export interface Source {
  readonly credential: Credential
  readonly family: Family
}

/**
 * Milliseconds until the sources together have room for `need` at their present rates, none of them
 * before its bar is lifted. Infinity where they never will. An estimate: nobody knows what calls on
 * their way come to, or when a place falls free.
 */
export function forecast(sources: readonly Source[], need: Amounts, nowMs: number): number {
  const byOpening = sources
    .map((source) => ({ source, opensMs: Math.max(0, source.credential.blockedUntilMs - nowMs) }))
    .toSorted((left, right) => left.opensMs - right.opensMs)
  const open: Source[] = []
  let waitMs = Infinity
  for (const { source, opensMs } of byOpening) {
    if (opensMs >= waitMs) break
    open.push(source)
    waitMs = Math.max(opensMs, together(open, need, nowMs))
  }
  return waitMs
}

/** The slowest dimension decides. */
function together(sources: readonly Source[], need: Amounts, nowMs: number): number {
  const gauges = sources[0]?.family.gauges ?? []
  let waitMs = 0
  for (const [at, { dimension }] of gauges.entries()) {
    let level = 0
    let ratePerMs = 0
    let closedMs = Infinity
    for (const { family } of sources) {
      const gauge = family.gauges[at]
      if (gauge === undefined) continue
      const supply = gauge.supply(nowMs)
      level += supply.level
      ratePerMs += supply.ratePerMs
      closedMs = Math.min(closedMs, supply.closedMs)
    }
    const short = amountOf(need, dimension.unit) - level
    waitMs = Math.max(waitMs, closedMs, short <= 0 ? 0 : short / ratePerMs)
  }
  return waitMs
}
