import type { LimitFact } from './headers.ts'
import type { Dimension } from './shape.ts'

/** What one call took of one gauge. The gauge that gave it may read it; nobody else does. */
export interface Mark {
  readonly sentMs: number
  /** Counts up with each call of the gauge. */
  readonly order: number
  /** In the provider's units, as believed when it was sent. */
  amount: number
  /** All that had been taken of the gauge once this was, and the same before it was scaled. */
  readonly sum: number
  readonly raw: number
  readonly squares: number
  /** Reserved by calls in flight when it was sent, itself not among them. */
  readonly pending: number
  /** What all calls had come to that had ended when it was sent. */
  readonly ended: number
  /** Calls in flight when it was sent, itself not among them. */
  readonly inFlight: number
}

/** What a provider's 429 tells one gauge. */
export interface Blame {
  readonly fact: LimitFact | undefined
  /** How long it asks to stay away; undefined where it does not say. */
  readonly waitMs: number | undefined
  /** What the refused call would have taken. */
  readonly amount: number
}

/** What a gauge will have: at `ms` from the moment asked, `level + ms * ratePerMs`. */
export interface Supply {
  readonly level: number
  readonly ratePerMs: number
  /** Nothing goes for so long, whatever there is: the provider asked for it. */
  readonly closedMs: number
}

/** For statusz and metrics. Undefined: not known. */
export interface GaugeView {
  readonly limit: number | undefined
  readonly used: number
  readonly remaining: number | undefined
  /** Milliseconds until it is as if unused, or until it opens again after a refusal. */
  readonly resetMs: number
}

/** What we believe of one dimension of one credential. All times are of `Clock.now()`. */
export interface Gauge {
  readonly dimension: Dimension
  /** Of the account's limit, above 0 to 1: what this process may use. */
  setShare(share: number): void
  /** The limit is configured otherwise, or is to be learned; what is known of its use stays. */
  setLimit(configured: number | undefined, nowMs: number): void
  /** 0: a call of `amount` may go; Infinity: only once another call ends. */
  waitMs(amount: number, nowMs: number): number
  /** Larger calls are refused whatever is left of the limit; Infinity where none is known. */
  most(nowMs: number): number
  /** The share of the limit that is left once `amount` is taken: up to 1, below 0 where it is short. */
  headroom(amount: number, nowMs: number): number
  /** Takes `amount`, and never more than all that there can be: one call empties nothing for hours. */
  take(amount: number, nowMs: number): Mark
  /** The call has ended; `amount` is what it came to, undefined where the reservation stands. */
  settle(mark: Mark, amount: number | undefined, nowMs: number): void
  /** The call was sent, and was refused without being counted. */
  giveBack(mark: Mark, nowMs: number): void
  /** The call was never sent. */
  cancel(mark: Mark, nowMs: number): void
  /** An answer's headers: the state when the provider let the call of `mark` in. */
  learn(fact: LimitFact, mark: Mark, nowMs: number): void
  /** The provider let the call of `mark` in. */
  admitted(mark: Mark): void
  /** The provider refused the call of `mark` because of this dimension; after `giveBack`. */
  refused(mark: Mark, blame: Blame, nowMs: number): void
  supply(nowMs: number): Supply
  view(nowMs: number): GaugeView
}
