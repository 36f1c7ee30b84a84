import type { Clock } from '#shared/call/clock.ts'
import type { LimitUnit } from '#shared/config/limit-schema.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import { type Quantities, quantityOf } from './quantities.ts'
import { Recall } from './recall.ts'
import { numberOf, tenantConcurrency, tenantLimit, unpriced } from './refusal.ts'
import type { Charge, LimitStore, Standing, Verdict } from './store.ts'
import {
  type Asked,
  compileLimits,
  type LimitConfig,
  type TenantLimit,
  type TenantLimits,
} from './tenant-limits.ts'

export interface LimiterParts {
  /** This ambassador's: a limit's models are looked up among its targets. */
  readonly provider: string
  readonly store: LimitStore
  readonly clock: Pick<Clock, 'wall' | 'random'>
}

/** A call that asks to be let in, and what it is expected to use. */
export interface Ask extends Asked {
  readonly tenant: string
  readonly expected: Quantities
}

/** How one of the limits that count a call stands. */
export interface LimitStanding extends Standing {
  readonly unit: LimitUnit
  readonly limit: bigint
}

/** One limit as a metric shows it; amounts in its unit, money in US dollars. */
export interface LimitReading {
  readonly tenant: string
  /** `tokens per day for assistant of class batch`. */
  readonly limit: string
  /** The served model where the limit counts each by itself, else empty. */
  readonly model: string
  readonly used: number
  readonly allowed: number
}

/**
 * The authority over what tenants use. Limits are those of the newest configuration also for a call
 * that began before it: what binds a tenant binds at once. Holds one number per tenant with calls
 * in flight, and what its store holds.
 */
export class Limiter {
  readonly #parts: LimiterParts
  readonly #inFlight = new Map<string, number>()
  #tenants: ReadonlyMap<string, TenantLimits> = new Map()

  constructor(parts: LimiterParts) {
    this.#parts = parts
  }

  /** Puts the limits of `config` in force. What was used under those that stay is kept. */
  configure(config: LimitConfig): void {
    this.#tenants = compileLimits(config, this.#parts.provider)
    const keys = [...this.#tenants.values()].flatMap(({ limits }) =>
      limits.flatMap((limit) => [...limit.keys.values()]),
    )
    this.#parts.store.retain(new Set(keys))
  }

  /** What binds `tenant`; undefined for one that the configuration does not name. */
  limitsOf(tenant: string): TenantLimits | undefined {
    return this.#tenants.get(tenant)
  }

  /** Calls of `tenant` that were admitted and have not ended. */
  inFlight(tenant: string): number {
    return this.#inFlight.get(tenant) ?? 0
  }

  /** Tenants with calls in flight, and how many. */
  placesTaken(): [tenant: string, calls: number][] {
    return [...this.#inFlight]
  }

  /**
   * Takes a place and reserves what the call is expected to use, all of it or nothing. A call that
   * is refused counts under no limit. Answers at once where the store does. Throws (or rejects
   * with) `tenant-concurrency`, `tenant-limit`, `model-forbidden`.
   */
  admit(ask: Ask): Admission | Promise<Admission> {
    const tenant = this.#tenants.get(ask.tenant)
    const leave = this.#enter(ask.tenant, tenant?.concurrency)
    try {
      const applied = appliedTo(ask, tenant?.limits ?? [])
      const charges = applied.map(({ charge }) => charge)
      const verdict = this.#parts.store.reserve(charges, this.#parts.clock.wall())
      if (!(verdict instanceof Promise)) return this.#admission(applied, verdict, leave)
      return verdict
        .then((late) => this.#admission(applied, late, leave))
        .catch((error: unknown) => {
          leave()
          throw error
        })
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Which calls that have not begun may stay, after a configuration that lowers limits. */
  recall(): Recall {
    const { store, clock } = this.#parts
    const inFlight = (tenant: string) => this.inFlight(tenant)
    return new Recall({ tenants: this.#tenants, inFlight, store, clock })
  }

  /** How every limit stands, for a scrape. */
  readings(): LimitReading[] {
    const wallMs = this.#parts.clock.wall()
    return [...this.#tenants].flatMap(([tenant, { limits }]) =>
      limits.flatMap(({ unit, span, scope, limit, keys }) =>
        [...keys].map(([model, key]) => ({
          tenant,
          limit: `${unit} per ${span}${scope}`,
          model,
          used: numberOf(unit, this.#parts.store.used(key, wallMs)),
          allowed: numberOf(unit, limit),
        })),
      ),
    )
  }

  #admission(applied: readonly Applied[], verdict: Verdict, leave: () => void): Admission {
    if (!verdict.isReserved) throw this.#refusal(applied, verdict.excesses)
    const { atMs, standings } = verdict
    return new Admission({ ...this.#parts, applied, atMs, standings, leave })
  }

  /** Of several limits in the way, the one that will be there longest. */
  #refusal(
    applied: readonly Applied[],
    excesses: Extract<Verdict, { isReserved: false }>['excesses'],
  ): CallError {
    const [excess] = excesses.toSorted(
      (one, other) => (other.fitsAtMs ?? Infinity) - (one.fitsAtMs ?? Infinity),
    )
    const limit = applied.find(({ charge }) => charge.key === excess?.charge.key)?.limit
    if (excess === undefined || limit === undefined) {
      throw new Error('A store refused for a charge that it was not asked for')
    }
    const { clock } = this.#parts
    return tenantLimit({ limit, excess, nowMs: clock.wall(), chance: clock.random() })
  }

  /** Counts also tenants without a cap: one may come while their calls run. */
  #enter(tenant: string, cap: number | undefined): () => void {
    const inFlight = this.inFlight(tenant)
    if (cap !== undefined && inFlight >= cap) {
      throw tenantConcurrency(cap, inFlight, this.#parts.clock.random())
    }
    this.#inFlight.set(tenant, inFlight + 1)
    return () => {
      const left = this.inFlight(tenant) - 1
      if (left > 0) this.#inFlight.set(tenant, left)
      else this.#inFlight.delete(tenant)
    }
  }
}

interface Applied {
  readonly limit: TenantLimit
  readonly charge: Charge
}

function appliedTo(ask: Ask, limits: readonly TenantLimit[]): Applied[] {
  const applied: Applied[] = []
  for (const limit of limits) {
    const key = limit.keyFor(ask)
    if (key === undefined) continue
    const amount = quantityOf(limit.unit, ask.expected)
    if (amount === undefined) throw unpriced(ask.model)
    applied.push({ limit, charge: { key, span: limit.span, limit: limit.limit, amount } })
  }
  return applied
}

interface Admitted extends LimiterParts {
  readonly applied: readonly Applied[]
  readonly atMs: number
  readonly standings: readonly Standing[]
  readonly leave: () => void
}

/** A place and reservations held by one call until its body has ended. */
export class Admission {
  readonly #admitted: Admitted
  #hasEnded = false
  /** What it has ended with, of each limit that counts it. */
  #spent: readonly bigint[] = []

  constructor(admitted: Admitted) {
    this.#admitted = admitted
  }

  /** What it holds of each limit that counts it. */
  get charges(): readonly Charge[] {
    return this.#admitted.applied.map(({ charge }) => charge)
  }

  /** How the limits that count the call stood when it was let in. */
  get standings(): LimitStanding[] {
    const { applied, standings } = this.#admitted
    return applied.flatMap(({ limit }, index) => {
      const standing = standings[index]
      return standing === undefined ? [] : [{ ...standing, unit: limit.unit, limit: limit.limit }]
    })
  }

  /**
   * Gives the place back and settles what was used. Where the cost is not known, what was reserved
   * stays charged: a call is never free for want of a price. Only the first ending counts.
   */
  end(spent: Quantities): void | Promise<void> {
    if (this.#hasEnded) return undefined
    this.#hasEnded = true
    const { applied, atMs, clock, leave, store } = this.#admitted
    leave()
    if (applied.length === 0) return undefined
    const charges = applied.map(({ charge }) => charge)
    const amounts = applied.map(
      ({ limit, charge }) => quantityOf(limit.unit, spent) ?? charge.amount,
    )
    this.#spent = amounts
    return store.settle({ charges, atMs, spent: amounts }, clock.wall())
  }

  /**
   * Puts what was really used in the place of what it has ended with. Where the cost is not known, what
   * was charged stays.
   */
  amend(spent: Quantities): void | Promise<void> {
    const { applied, atMs, clock, store } = this.#admitted
    const before = this.#spent
    if (before.length === 0) return undefined
    const charges = applied.map(({ charge }, at) => ({ ...charge, amount: before[at] ?? 0n }))
    const amounts = applied.map(
      ({ limit }, at) => quantityOf(limit.unit, spent) ?? before[at] ?? 0n,
    )
    this.#spent = amounts
    return store.settle({ charges, atMs, spent: amounts }, clock.wall())
  }
}
