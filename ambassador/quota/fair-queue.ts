import { Arrivals } from './arrivals.ts'
import { Foresight } from './foresight.ts'
import { Heap } from './heap.ts'
import type { Amounts } from './shape.ts'
import { Tenant } from './tenant.ts'
import type { Waiter } from './waiter.ts'

/** Tenants that are remembered; one that is forgotten starts as one that was never here. */
const tenantsMax = 4_096
/** Tenants whose waiting calls are counted one by one for a forecast; beyond, by their weights. */
const countedMax = 64

/** How often it is asked at most how much comes: it changes by tenths in seconds. */
const lookMs = 100

/** Where a call stands, and the time in which others may come before it. */
export interface Within {
  readonly ownCost: number
  readonly withinMs: number
}

const nothing: Amounts = { requests: 0, input: 0, output: 0, tokens: 0 }

/** `left + factor * right`. */
export function plus(left: Amounts, right: Amounts, factor: number): Amounts {
  return {
    requests: left.requests + factor * right.requests,
    input: left.input + factor * right.input,
    output: left.output + factor * right.output,
    tokens: left.tokens + factor * right.tokens,
  }
}

/**
 * Calls of one class, first the one whose tenant has had the fewest tokens for its weight: start-time
 * fair queueing (Goyal, Vin, Cheng 1996). A tenant that was away has no claim on the past. Verbs are
 * O(log tenants).
 */
export class FairQueue {
  readonly #tenants = new Map<string, Tenant>()
  readonly #backlog = new Heap<Tenant>(({ virtual }) => virtual)
  /** How forecasts for its calls turn out. */
  readonly foresight = new Foresight()
  /** Where the tenant stood that was served last. */
  #virtual = 0
  #weights = 0
  #waiting = 0
  #sum = nothing
  readonly #arrivals = new Arrivals()
  #perMs = 0
  #lookedMs = -Infinity
  /** Tenants whose calls come and go without waiting for long; empty where there are too many. */
  #passing: Tenant[] = []

  get waiting(): number {
    return this.#waiting
  }

  /** Those whose calls wait, in no order. */
  get backlog(): readonly Tenant[] {
    return this.#backlog.items
  }

  /** What comes of the class for each millisecond that passes, in tokens. */
  get perMs(): number {
    return this.#perMs
  }

  /** What all that wait will come to. */
  get sum(): Amounts {
    return this.#sum
  }

  /** The tenant of a call that arrives, known or not. */
  tenant(name: string, weight: number): Tenant {
    const known = this.#tenants.get(name)
    if (known !== undefined) {
      // A weight that changes under waiting calls counts from the next time it waits.
      if (known.waiting > 0) return known
      known.weight = weight
      known.virtual = Math.max(known.virtual, this.#virtual)
      return known
    }
    if (this.#tenants.size >= tenantsMax) this.#forget()
    const tenant = new Tenant(name, this.#virtual)
    tenant.weight = weight
    this.#tenants.set(name, tenant)
    return tenant
  }

  /** A call of `tenant` waits, or goes at once. */
  arrive(tenant: Tenant, cost: number, nowMs: number): void {
    tenant.arrivals.add(cost, nowMs)
    this.#arrivals.add(cost, nowMs)
  }

  peek(): Waiter | undefined {
    return this.#backlog.peek()?.first
  }

  push(waiter: Waiter): void {
    const { tenant } = waiter
    tenant.append(waiter)
    this.#waiting++
    this.#sum = plus(this.#sum, waiter.net, 1)
    if (tenant.heapAt >= 0) return
    this.#weights += tenant.weight
    this.#backlog.add(tenant)
  }

  remove(waiter: Waiter): void {
    const { tenant } = waiter
    tenant.remove(waiter)
    this.#waiting--
    this.#sum = this.#waiting === 0 ? nothing : plus(this.#sum, waiter.net, -1)
    if (tenant.waiting > 0) return
    this.#weights -= tenant.weight
    this.#backlog.remove(tenant)
  }

  /** A call of `tenant` goes. */
  spend(tenant: Tenant, cost: number): void {
    this.#virtual = Math.max(this.#virtual, tenant.virtual)
    tenant.virtual += cost / tenant.weight
    this.#backlog.move(tenant)
  }

  /** A call of `tenant` came to `delta` more than it was charged, or less. */
  correct(tenant: Tenant, delta: number): void {
    tenant.virtual += delta / tenant.weight
    this.#backlog.move(tenant)
  }

  /** Takes notice of how much comes, at most ten times a second. O(tenants). */
  look(nowMs: number): void {
    if (nowMs - this.#lookedMs < lookMs) return
    this.#lookedMs = nowMs
    this.#perMs = this.#arrivals.perMs(nowMs)
    this.#passing = []
    for (const tenant of this.#tenants.values()) {
      tenant.perMs = tenant.arrivals.perMs(nowMs)
      if (tenant.perMs * lookMs >= 1) this.#passing.push(tenant)
    }
    if (this.#passing.length > countedMax) this.#passing = []
  }

  /**
   * What goes before a call of `tenant` that `ownCost` of its own calls stand before, if it goes after
   * `withinMs`: what waits and what comes meanwhile, of nobody more than the fair share. Tokens.
   */
  costAheadOf(tenant: Tenant, { ownCost, withinMs }: Within): number {
    const virtual = tenant.waiting > 0 ? tenant.virtual : Math.max(tenant.virtual, this.#virtual)
    const start = virtual + ownCost / tenant.weight
    if (this.#backlog.size > countedMax) {
      const byWeight = Math.max(0, start - this.#virtual) * this.#weights
      const most = this.#sum.tokens + withinMs * this.#perMs
      return Math.min(most, Math.max(ownCost, byWeight))
    }
    let ahead = ownCost
    for (const other of this.#backlog.items) {
      if (other === tenant) continue
      const share = Math.max(0, start - other.virtual) * other.weight
      ahead += Math.min(other.waitingCost + withinMs * other.perMs, share)
    }
    for (const other of this.#passing) {
      if (other === tenant || other.waiting > 0) continue
      const share = Math.max(0, start - Math.max(other.virtual, this.#virtual)) * other.weight
      ahead += Math.min(withinMs * other.perMs, share)
    }
    return ahead
  }

  /** Those who have had nothing lately are as if never seen; without any, the oldest idle one. */
  #forget(): void {
    let oldest: Tenant | undefined
    for (const tenant of this.#tenants.values()) {
      if (tenant.waiting > 0) continue
      oldest ??= tenant
      if (tenant.virtual <= this.#virtual) this.#tenants.delete(tenant.name)
    }
    if (this.#tenants.size >= tenantsMax && oldest !== undefined) this.#tenants.delete(oldest.name)
  }
}
