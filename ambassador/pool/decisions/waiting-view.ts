import type { WaitingView } from './decision-view.ts'

/** A call that waits, as far as it is told of. */
interface WaitingOne {
  readonly tenant: string
  readonly class: string
  /** Of its prompt. */
  readonly tokens: number
  /** Of its body. */
  readonly bytes: number
}

/** Tenants that are told of. */
const tenantsMax = 32

/** Who waits. Costs in proportion to the calls. */
export function waitingView(waiting: Iterable<WaitingOne>): WaitingView {
  const total = { calls: 0, tokens: 0, bytes: 0 }
  const byClass = new Map<string, number>()
  const byTenant = new Map<string, { tenant: string; calls: number; tokens: number }>()
  for (const { tenant, class: name, tokens, bytes } of waiting) {
    total.calls += 1
    total.tokens += tokens
    total.bytes += bytes
    byClass.set(name, (byClass.get(name) ?? 0) + 1)
    const sums = byTenant.get(tenant) ?? { tenant, calls: 0, tokens: 0 }
    byTenant.set(tenant, sums)
    sums.calls += 1
    sums.tokens += tokens
  }
  const tenants = [...byTenant.values()].toSorted((one, other) => other.calls - one.calls)
  return {
    ...total,
    byClass: Object.fromEntries(byClass),
    byTenant: tenants.slice(0, tenantsMax),
  }
}
