import type { TenantTimes } from './tenant-times.ts'

/** A tenant for statusz. */
export interface TenantView {
  readonly class: string
  readonly tenant: string
  readonly weight: number
  /** Calls that wait. */
  readonly waiting: number
  /** What it has had since it is known, milliseconds of a replica's time. */
  readonly gpuMs: number
  /** How much more it has had, over its weight, than the one that has had the least. */
  readonly aheadMs: number
}

/** Up to `count` of them: those with the most calls that wait, then those that have had the most. */
export function tenantViews(name: string, times: TenantTimes, count: number): TenantView[] {
  const all = Array.from(times.all, (tenant) => ({
    tenant,
    standingMs: times.standingMs(tenant),
  }))
  const leastMs = all.reduce((least, { standingMs }) => Math.min(least, standingMs), Infinity)
  return all
    .map(({ tenant, standingMs }) => ({
      class: name,
      tenant: tenant.name,
      weight: tenant.weight,
      waiting: tenant.waiting,
      gpuMs: Math.round(tenant.spentMs),
      aheadMs: Math.round(standingMs - leastMs),
    }))
    .toSorted((one, other) => other.waiting - one.waiting || other.gpuMs - one.gpuMs)
    .slice(0, count)
}
