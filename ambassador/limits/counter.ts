/**
 * What one limit has counted: reserved by calls in flight, and settled. Instants are milliseconds
 * since 1970. A clock that is set back forgives nothing: what was used counts as used just then.
 */
export interface Counter {
  /** What counts against the limit at `nowMs`. */
  used(nowMs: number): bigint
  /** Charges `amount`, which is not negative, at `nowMs`. */
  charge(amount: bigint, nowMs: number): void
  /** Takes back part of what was charged at `chargedMs`, where that still counts. */
  takeBack(amount: bigint, chargedMs: number, nowMs: number): void
  /** When no more than `allowed` of what is used will count; `nowMs` where that is so already. */
  fallsTo(allowed: bigint, nowMs: number): number
  /** What counts as pairs of an instant and the amount charged in the slot that begins there. */
  slots(nowMs: number): Slot[]
}

/** An amount and the begin of the time in which it was charged, in ms since 1970. */
export type Slot = readonly [startMs: number, amount: bigint]

export function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
