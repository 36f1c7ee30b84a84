import type { Blame, Gauge, GaugeView, Mark, Supply } from './gauge.ts'
import type { Dimension } from './shape.ts'

/** After a refusal below what was known to be good, places are cut by this share. */
const cutShare = 0.1
/** Admitted calls at the ceiling before it is tried one higher: refusals stay below 0.25 %. */
const callsPerProbe = 400
/** The same while the ceiling is known to be too low. */
const callsPerStep = 4
const callsPerProbeMax = 25_600
/** Share of the new that the mean duration takes on with each call, once there were some. */
const durationShare = 0.01

/** Parts of a mark that places have no use for. */
const unused = { sum: 0, raw: 0, squares: 0, pending: 0, ended: 0 }

/**
 * Calls at a time. Where no limit is configured, and below one that is, its refusals teach it: the
 * first says what is too many; what was let in since, what is not.
 */
export class PlaceGauge implements Gauge {
  readonly dimension: Dimension
  #configured: number
  #share = 1
  /** Of those configured, what this process may use. */
  #places: number
  #ceiling: number
  /** Most that were let in at a time since the last cut. */
  #good = 0
  #order = 0
  /** Calls sent up to this one tell of the time before the last cut. */
  #cutOrder = 0
  #sinceProbe = 0
  #callsPerProbe = callsPerStep
  #inFlight = 0
  #meanMs = 5_000
  #ended = 0
  #blockedUntilMs = -Infinity

  constructor(dimension: Dimension, configured: number | undefined) {
    this.dimension = dimension
    this.#configured = configured ?? Infinity
    this.#places = this.#configured
    this.#ceiling = this.#configured
  }

  setShare(share: number): void {
    this.#share = share
    this.#places = Math.max(1, this.#configured * share)
    this.#ceiling = Math.min(this.#ceiling, this.#places)
    // What was learned of a smaller share is tried again from there.
    this.#callsPerProbe = callsPerStep
  }

  setLimit(configured: number | undefined): void {
    const isLearned = this.#ceiling < this.#places
    this.#configured = configured ?? Infinity
    this.setShare(this.#share)
    if (!isLearned) this.#ceiling = this.#places
  }

  waitMs(_amount: number, nowMs: number): number {
    if (this.#inFlight >= this.#ceiling) return Infinity
    return Math.max(0, this.#blockedUntilMs - nowMs)
  }

  most(): number {
    return Infinity
  }

  headroom(amount: number): number {
    return this.#ceiling === Infinity
      ? 1
      : (this.#ceiling - this.#inFlight - amount) / this.#ceiling
  }

  take(amount: number, nowMs: number): Mark {
    const inFlight = this.#inFlight++
    return { ...unused, sentMs: nowMs, order: ++this.#order, amount, inFlight }
  }

  settle(mark: Mark, _amount: number | undefined, nowMs: number): void {
    this.#inFlight--
    const share = Math.max(durationShare, 1 / (4 + this.#ended++))
    this.#meanMs += (nowMs - mark.sentMs - this.#meanMs) * share
  }

  giveBack(): void {
    this.#inFlight--
  }

  cancel(): void {
    this.#inFlight--
  }

  learn(): void {}

  admitted({ order, inFlight }: Mark): void {
    if (order <= this.#cutOrder) return
    if (inFlight + 1 > this.#good) {
      this.#good = inFlight + 1
      // What was refused before is let in: the limit has grown, and is tried more often.
      this.#callsPerProbe = Math.max(callsPerStep, this.#callsPerProbe / 4)
    }
    if (inFlight + 1 < this.#ceiling || this.#ceiling >= this.#places) return
    if (++this.#sinceProbe < this.#callsPerProbe) return
    this.#sinceProbe = 0
    this.#ceiling++
  }

  refused({ order, inFlight }: Mark, { waitMs }: Blame, nowMs: number): void {
    if (waitMs !== undefined) {
      this.#blockedUntilMs = Math.max(this.#blockedUntilMs, nowMs + waitMs)
    }
    // Sent before the last cut was known: it says nothing that the cut did not.
    if (order <= this.#cutOrder) return
    this.#cutOrder = this.#order
    this.#sinceProbe = 0
    const isProbe = inFlight >= this.#good && this.#good > 0
    const least = isProbe ? inFlight : Math.floor(inFlight * (1 - cutShare))
    this.#ceiling = Math.max(1, Math.min(least, this.#places))
    // One above what is good was refused: the limit is found, and is rarely tried.
    if (isProbe)
      this.#callsPerProbe = Math.min(
        Math.max(callsPerProbe, this.#callsPerProbe * 2),
        callsPerProbeMax,
      )
    else {
      this.#callsPerProbe = callsPerStep
      this.#good = 0
    }
  }

  supply(nowMs: number): Supply {
    const closedMs = Math.max(0, this.#blockedUntilMs - nowMs)
    if (this.#ceiling === Infinity) return { level: Infinity, ratePerMs: 0, closedMs }
    const level = this.#ceiling - this.#inFlight
    return { level, ratePerMs: this.#ceiling / Math.max(1, this.#meanMs), closedMs }
  }

  view(nowMs: number): GaugeView {
    const limit = this.#ceiling === Infinity ? undefined : this.#ceiling
    const remaining = limit === undefined ? undefined : Math.max(0, limit - this.#inFlight)
    const resetMs = Math.max(0, this.#blockedUntilMs - nowMs)
    return { limit, used: this.#inFlight, remaining, resetMs }
  }
}
