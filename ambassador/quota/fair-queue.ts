import { Heap } from './heap.ts'
import type { Amounts } from './shape.ts'
import { Tenant } from './tenant.ts'
import type { Waiter } from './waiter.ts'

/** Tenants that are remembered; one that is forgotten starts as one that was never here. */
const tenantsMax = 4_096
/** Tenants whose waiting calls are counted one by one for a forecast; beyond, by their weights. */
const countedMax = 64

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
  /** Where the tenant stood that was served last. */
  #virtual = 0
  #weights = 0
  #waiting = 0
  #sum = nothing

  get waiting(): number {
    return this.#waiting
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

  /** What would go before another call of `tenant`: calls are taken to be alike but for their cost. */
  aheadOf(tenant: Tenant): Amounts {
    const cost = this.#sum.tokens
    return cost > 0 ? plus(nothing, this.#sum, this.#costAheadOf(tenant) / cost) : nothing
  }

  #costAheadOf(tenant: Tenant): number {
    const own = tenant.waitingCost
    const start = tenant.virtual + own / tenant.weight
    if (this.#backlog.size > countedMax) {
      const byWeight = Math.max(0, start - this.#virtual) * this.#weights
      return Math.min(this.#sum.tokens, Math.max(own, byWeight))
    }
    let ahead = own
    for (const other of this.#backlog.items) {
      if (other === tenant) continue
      const share = Math.max(0, start - other.virtual) * other.weight
      ahead += Math.min(other.waitingCost, share)
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
