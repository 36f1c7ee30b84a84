import { Heap } from '../../quota/heap.ts'
import { TenantTime } from './tenant-time.ts'

/** Tenants that are remembered; one that is forgotten comes back as one that was never here. */
const tenantsMax = 4_096
/** Where so many are known, it is noted who was seen last. */
const orderedFrom = tenantsMax / 2

/**
 * How far anybody may stay behind who is served, a minute of one replica: who waits for a replica of its
 * choice while others are free saves up no right to all of them.
 */
const behindMaxMs = 60_000

/**
 * Virtual time counters (VTC: Sheng et al., Fairness in Serving Large Language Models, OSDI 2024) of
 * the tenants of one class, in milliseconds of a replica's time over the tenant's weight. Who has had
 * the least goes first; who was away comes back where the least of those that wait stands. Verbs are
 * O(log tenants).
 */
export class TenantTimes {
  /** The least recently active first, of those seen since there were many. */
  readonly #tenants = new Map<string, TenantTime>()
  readonly #waiting = new Heap<TenantTime>(({ virtualMs }) => virtualMs)
  #virtualMs = 0

  /** Those whose calls wait, in no order. */
  get waiting(): readonly TenantTime[] {
    return this.#waiting.items
  }

  /** All that are remembered. */
  get all(): Iterable<TenantTime> {
    return this.#tenants.values()
  }

  /** The tenant of a call that arrives, known or not. A weight that changes counts from here on. */
  arrives(name: string, weight: number): TenantTime {
    const tenant = this.#tenants.get(name) ?? new TenantTime(name, this.#virtualMs)
    this.#remember(tenant)
    tenant.weight = weight
    if (tenant.waiting === 0) this.#lift(tenant)
    this.#forget()
    return tenant
  }

  /** Where it stands: what it has had over its weight. */
  standingMs({ virtualMs }: TenantTime): number {
    return Math.max(virtualMs, this.#virtualMs)
  }

  /** A call of it waits. */
  wait(tenant: TenantTime): void {
    tenant.waiting++
    if (tenant.waiting === 1) this.#waiting.add(tenant)
  }

  /** One of those has gone, or waits no longer. */
  leave(tenant: TenantTime): void {
    tenant.waiting--
    if (tenant.waiting === 0) this.#waiting.remove(tenant)
  }

  /** A call of it is sent, of which so much is expected. */
  charge(tenant: TenantTime, ms: number): void {
    const least = Math.min(this.#waiting.peek()?.virtualMs ?? Infinity, tenant.virtualMs)
    this.#virtualMs = Math.max(this.#virtualMs, least, tenant.virtualMs - behindMaxMs)
    this.#lift(tenant)
    this.correct(tenant, ms)
  }

  /** A call of it came to `ms` more than was charged, or less. */
  correct(tenant: TenantTime, ms: number): void {
    tenant.spentMs += ms
    tenant.virtualMs += ms / tenant.weight
    this.#waiting.move(tenant)
  }

  /** While few are known the order is that in which they came: nobody is about to be forgotten. */
  #remember(tenant: TenantTime): void {
    const { name } = tenant
    if (this.#tenants.size >= orderedFrom) this.#tenants.delete(name)
    this.#tenants.set(name, tenant)
  }

  #lift(tenant: TenantTime): void {
    tenant.virtualMs = this.standingMs(tenant)
  }

  #forget(): void {
    if (this.#tenants.size <= tenantsMax) return
    for (const tenant of this.#tenants.values()) {
      if (tenant.waiting > 0) continue
      this.#tenants.delete(tenant.name)
      return
    }
  }
}
