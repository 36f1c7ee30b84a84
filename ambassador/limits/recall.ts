import type { Clock } from '#shared/call/clock.ts'
import type { LimitSpan } from '#shared/config/limit-schema.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import { boundsOf } from './calendar.ts'
import { tenantConcurrency, tenantLimit } from './refusal.ts'
import type { Charge, LimitStore } from './store.ts'
import type { TenantLimits } from './tenant-limits.ts'

/** A call that was admitted and has not begun. */
export interface Recallable {
  readonly tenant: string
  /** What it has reserved. */
  readonly charges: readonly Charge[]
}

interface RecallParts {
  readonly tenants: ReadonlyMap<string, TenantLimits>
  /** Calls of a tenant that were admitted and have not ended. */
  readonly inFlight: (tenant: string) => number
  readonly store: Pick<LimitStore, 'used'>
  readonly clock: Pick<Clock, 'wall' | 'random'>
}

/**
 * Which calls may stay after limits have fallen, asked of one after the other: it counts those that may
 * not as gone, with what they had reserved, and the rest of a limit goes to those that stay. Limits
 * that did not count a call when it was admitted do not recall it.
 */
export class Recall {
  readonly #parts: RecallParts
  readonly #nowMs: number
  readonly #freed = new Map<string, bigint>()
  readonly #left = new Map<string, number>()

  constructor(parts: RecallParts) {
    this.#parts = parts
    this.#nowMs = parts.clock.wall()
  }

  /** `tenant-concurrency` or `tenant-limit`; undefined for one that may stay. */
  of(call: Recallable): CallError | undefined {
    const error = this.#overCap(call) ?? this.#overLimit(call)
    if (error === undefined) return undefined
    const { tenant, charges } = call
    this.#left.set(tenant, (this.#left.get(tenant) ?? 0) + 1)
    for (const { key, amount } of charges) this.#freed.set(key, this.#freedOf(key) + amount)
    return error
  }

  #overCap({ tenant }: Recallable): CallError | undefined {
    const { tenants, inFlight, clock } = this.#parts
    const cap = tenants.get(tenant)?.concurrency
    const others = inFlight(tenant) - (this.#left.get(tenant) ?? 0) - 1
    return cap === undefined || others < cap
      ? undefined
      : tenantConcurrency(cap, others, clock.random())
  }

  #overLimit({ tenant, charges }: Recallable): CallError | undefined {
    const { tenants, store, clock } = this.#parts
    const nowMs = this.#nowMs
    for (const limit of tenants.get(tenant)?.limits ?? []) {
      const keys = new Set(limit.keys.values())
      const held = charges.find(({ key }) => keys.has(key))
      if (held === undefined) continue
      // What the call itself has reserved is among it.
      const used = store.used(held.key, nowMs) - this.#freedOf(held.key)
      if (used <= limit.limit) continue
      const charge = { ...held, limit: limit.limit }
      const fitsAtMs = held.amount > limit.limit ? undefined : endOf(limit.span, nowMs)
      const excess = { charge, used: used - held.amount, fitsAtMs }
      return tenantLimit({ limit, excess, nowMs, chance: clock.random() })
    }
    return undefined
  }

  #freedOf(key: string): bigint {
    return this.#freed.get(key) ?? 0n
  }
}

/** When what counts at present counts no more, at the latest. */
function endOf(span: LimitSpan, nowMs: number): number {
  return span === 'minute' ? nowMs + 60_000 : boundsOf(span, nowMs).end
}
