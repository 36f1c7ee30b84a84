import { assumedRates } from '#ambassador/pool/cost/prefill-cost.ts'
import { gpuCost } from '#ambassador/pool/fairness/gpu-cost.ts'
import type { Outcome, PoolRun } from '#deploy/simulator/pool/arrival.ts'

/** How the replicas' time was shared while all calls came. */
export interface TenantShares {
  /** Jain's index over what tenants had of their fair parts: 1 is equal, 1 / tenants is the worst. */
  readonly jain: number
  /** What the tenant that fared worst had of its fair part. */
  readonly least: number
}

/** Calls that share a replica's steps, about: what a call's part of a step is reckoned with. */
const beside = 32

/**
 * Compares what tenants of equal weight had, until the last call came, with max-min fair parts of what all
 * had together: nobody's part is more than it asked for, and what some leave is shared by the others.
 */
export function tenantSharesOf({ outcomes }: PoolRun): TenantShares {
  const untilMs = outcomes.reduce((latest, { arrivedMs }) => Math.max(latest, arrivedMs), 0)
  const asked = new Map<string, number>()
  const had = new Map<string, number>()
  for (const outcome of outcomes) {
    const { tenant } = outcome.arrival
    const ms = costOf(outcome)
    asked.set(tenant, (asked.get(tenant) ?? 0) + ms)
    had.set(tenant, (had.get(tenant) ?? 0) + ms * doneBy(outcome, untilMs))
  }
  const parts = fairParts(asked, sum([...had.values()]))
  const ratios = Array.from(parts, ([tenant, part]) => (had.get(tenant) ?? 0) / part)
  const squares = sum(ratios.map((ratio) => ratio * ratio))
  return { jain: sum(ratios) ** 2 / (ratios.length * squares), least: Math.min(...ratios) }
}

/** Max-min: who asks for less than an equal part of what is left has it all. */
export function fairParts(
  asked: ReadonlyMap<string, number>,
  total: number,
): ReadonlyMap<string, number> {
  const parts = new Map<string, number>()
  let left = total
  const ascending = [...asked].toSorted(([, one], [, other]) => one - other)
  for (const [at, [tenant, wanted]] of ascending.entries()) {
    const part = Math.min(wanted, left / (ascending.length - at))
    parts.set(tenant, part)
    left -= part
  }
  return parts
}

function costOf({ arrival, cachedTokens }: Outcome): number {
  const { tokens, outputTokens } = arrival
  const work = { prompt: tokens, cached: cachedTokens, generated: outputTokens }
  const cost = gpuCost(work, { rates: assumedRates, inFlight: beside, slowness: 1 })
  return cost.prefillMs + cost.decodeMs
}

/** Part of the call's time at its replica that lies before `untilMs`, 0 to 1. */
function doneBy({ boundMs, endMs }: Outcome, untilMs: number): number {
  if (endMs <= untilMs) return 1
  return Math.max(0, (untilMs - boundMs) / (endMs - boundMs))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
