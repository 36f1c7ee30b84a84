import type { LimitSpan } from '#shared/config/limit-schema.ts'

/** One amount to be counted under one limit. Money is in pico-dollars (10^-12 US dollars). */
export interface Charge {
  /** Names the limit's counter; made by {@link counterKey}, so that no two limits share one. */
  readonly key: string
  readonly span: LimitSpan
  /** The most that may count at once. */
  readonly limit: bigint
  /** Not negative. */
  readonly amount: bigint
}

/** What stands in the way of one charge. */
export interface Excess {
  readonly charge: Charge
  /** What counts at this time, reservations of calls in flight among it. */
  readonly used: bigint
  /** When the charge will fit, in ms since 1970; undefined where it is above the limit itself. */
  readonly fitsAtMs: number | undefined
}

export type Verdict =
  | {
      readonly isReserved: true
      /** When it was charged, in ms since 1970. */
      readonly atMs: number
      /** How each charge's limit stands with it, in the order of the charges. */
      readonly standings: readonly Standing[]
    }
  | { readonly isReserved: false; readonly excesses: readonly Excess[] }

/** How one limit stands after a charge. */
export interface Standing {
  readonly remaining: bigint
  /** When all of the limit can be used again, in ms since 1970. */
  readonly fullAtMs: number
}

/** What was reserved and has ended. */
export interface Settlement {
  readonly charges: readonly Charge[]
  readonly atMs: number
  /** What was used of each charge, in their order; it may be more than was reserved. */
  readonly spent: readonly bigint[]
}

/**
 * Where amounts are counted. In memory both verbs answer at once; a store that several replicas
 * share answers with promises. `wallMs` is the caller's time in ms since 1970.
 */
export interface LimitStore {
  /** Charges all, or none where one of them would exceed its limit. */
  reserve(charges: readonly Charge[], wallMs: number): Verdict | Promise<Verdict>
  /**
   * Puts what was used in the place of what was reserved. The difference is given back to the time
   * of the reservation; an excess is charged at `wallMs`, when it is known, since it could not be
   * refused any more. Never rejects.
   */
  settle(settlement: Settlement, wallMs: number): void | Promise<void>
  /** What counts under `key`, as far as this process knows; for metrics only. */
  used(key: string, wallMs: number): bigint
  /** Forgets every counter but these: limits that the configuration names no more. */
  retain(keys: ReadonlySet<string>): void
}

/**
 * A name that no other list of parts has: JSON marks where each part ends, whatever is in it. The
 * first part is the tenant.
 */
export function counterKey(parts: readonly string[]): string {
  return JSON.stringify(parts)
}
