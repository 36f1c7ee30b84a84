import { ChargeBook } from './charge-book.ts'
import type { Blame, Gauge, GaugeView, Mark, Supply } from './gauge.ts'
import type { LimitFact } from './headers.ts'
import { LearnedShare } from './learned-share.ts'
import { RateLimit } from './rate-limit.ts'
import type { Dimension } from './shape.ts'
import { Slice } from './slice.ts'

/** Providers round the time to a reset to seconds: two resets this close are one. */
const roundingMs = 1_100
/** Kept away from a reset, for clocks and ways that differ. */
const guardMs = 50
/** Share of a window that may be used at once; the rest is spread over what is left of it. */
const burstShare = 0.5
/** A longer window is not spread: nobody waits for the rest of a day. */
const spreadMsMax = 3_600_000
/** Most of a window that is kept in reserve: it is lost with each window. */
const marginShareMax = 0.02

/**
 * A count that starts anew with each window. What is left is spread evenly over the rest of the
 * window once half of it was used in a burst: else the first calls of a minute would take it all.
 * Without a limit, told or configured, it lets everything pass.
 */
export class FixedGauge implements Gauge {
  readonly dimension: Dimension
  readonly #burstShare: number
  readonly #limit: RateLimit
  readonly #book = new ChargeBook()
  readonly #share = new LearnedShare()
  #slice: Slice | undefined
  #remaining: number
  /** What may go at once, up to the burst. */
  #burst: number
  #atMs: number
  /** Undefined until the first call or header: windows may begin with the first use. */
  #resetAtMs: number | undefined
  #blockedUntilMs = -Infinity

  constructor(dimension: Dimension, configured: number | undefined, nowMs: number) {
    this.dimension = dimension
    this.#burstShare = dimension.windowMs > spreadMsMax ? 1 : burstShare
    this.#limit = new RateLimit(dimension.windowMs, configured)
    this.#remaining = configured ?? Infinity
    this.#burst = this.#remaining * this.#burstShare
    this.#atMs = nowMs
    this.#renewSlice()
  }

  setShare(share: number): void {
    this.#limit.share = share
    this.#renewSlice()
  }

  setLimit(configured: number | undefined, nowMs: number): void {
    const before = this.#advance(nowMs)
    const used = before === undefined ? 0 : before - this.#remaining
    this.#limit.configured = configured
    this.#renewSlice()
    const size = this.#advance(nowMs) ?? Infinity
    const isFirst = before === undefined
    this.#remaining = size === Infinity ? Infinity : size - Math.min(used, size)
    this.#burst = isFirst ? size * this.#burstShare : Math.min(this.#burst, size * this.#burstShare)
  }

  waitMs(amount: number, nowMs: number): number {
    const blockedMs = Math.max(
      this.#blockedUntilMs - nowMs,
      this.#slice?.waitMs(nowMs, this.#share.at(nowMs)) ?? 0,
      0,
    )
    const size = this.#advance(nowMs)
    if (size === undefined) return blockedMs
    const scaled = amount * this.#book.ratio
    const resetMs = this.#resetMs(nowMs)
    // A call larger than the limit goes when the window is fresh: the provider decides.
    const need = Math.min(scaled + this.#margin(scaled, size), size)
    if (need > this.#remaining + 1e-6) return Math.max(blockedMs, resetMs)
    const short = Math.min(scaled, size * this.#burstShare) - this.#burst
    if (short <= size * 1e-9) return blockedMs
    return Math.max(blockedMs, Math.min(resetMs, short / this.#pacePerMs(nowMs)))
  }

  most(nowMs: number): number {
    return this.#limit.most(nowMs)
  }

  headroom(amount: number, nowMs: number): number {
    const size = this.#advance(nowMs)
    return size === undefined ? 1 : (this.#remaining - amount * this.#book.ratio) / size
  }

  take(amount: number, nowMs: number): Mark {
    const size = this.#advance(nowMs) ?? Infinity
    this.#resetAtMs ??= nowMs + this.dimension.windowMs
    this.#slice?.take(nowMs)
    const mark = this.#book.take(Math.min(amount, size / this.#book.ratio), nowMs)
    this.#spend(mark.amount)
    return mark
  }

  settle(mark: Mark, amount: number | undefined, nowMs: number): void {
    this.#book.end(mark, amount ?? mark.amount)
    if (amount === undefined || !this.#isThisWindow(mark.sentMs, nowMs)) return
    this.#book.correct(amount - mark.amount)
    this.#spend(amount - this.#held(mark, nowMs))
    mark.amount = amount
  }

  giveBack(mark: Mark, nowMs: number): void {
    if (this.#isThisWindow(mark.sentMs, nowMs)) {
      const held = this.#held(mark, nowMs)
      this.#burst += held
      // What a header has told since is without it.
      if (this.#limit.isBelowAccount || !this.#book.hasSeen(mark)) this.#remaining += held
    }
    this.#book.end(mark, 0)
    mark.amount = 0
  }

  cancel(mark: Mark, nowMs: number): void {
    this.#slice?.giveBack(mark.sentMs)
    this.giveBack(mark, nowMs)
  }

  learn(fact: LimitFact, mark: Mark, nowMs: number): void {
    this.#advance(nowMs)
    const before = this.#limit.perWindow
    if (this.#limit.learn(fact, nowMs)) this.#renewSlice()
    const size = this.#limit.perWindow
    if (size === undefined) return
    if (before === undefined) {
      this.#burst = Math.max(-size, size * this.#burstShare - this.#book.since(mark))
    }
    if (!this.#book.isLater(mark)) return
    const isThisWindow =
      fact.resetMs === undefined
        ? this.#isThisWindow(mark.sentMs, nowMs)
        : this.#learnReset(mark.sentMs + fact.resetMs, size)
    if (fact.remaining === undefined || !isThisWindow) return
    this.#compare(mark, fact.remaining)
    // What was taken while no limit was known may be more than there ever is.
    const told = Math.max(-size, fact.remaining - this.#book.since(mark))
    this.#remaining = this.#limit.isBelowAccount ? Math.min(this.#remaining, told) : told
  }

  admitted(): void {}

  refused(_mark: Mark, { fact, waitMs, amount }: Blame, nowMs: number): void {
    this.#advance(nowMs)
    this.#book.interrupt()
    const untilMs = nowMs + (waitMs ?? this.#resetMs(nowMs))
    if (this.#slice?.refused(nowMs) === true) this.#share.cut(nowMs)
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs)
    if (fact?.remaining === undefined) this.#share.cut(nowMs)
    if (fact?.remaining === undefined) this.#remaining = Math.min(this.#remaining, amount)
  }

  supply(nowMs: number): Supply {
    const size = this.#advance(nowMs)
    const closedMs = Math.max(0, this.#blockedUntilMs - nowMs)
    if (size === undefined) return { level: Infinity, ratePerMs: 0, closedMs }
    const ratePerMs = size / this.dimension.windowMs
    // On the line that gives nothing before the reset once all is used, and the whole limit after it.
    const level = Math.min(this.#burst, this.#remaining - this.#resetMs(nowMs) * ratePerMs)
    const { ratio } = this.#book
    return { level: level / ratio, ratePerMs: ratePerMs / ratio, closedMs }
  }

  view(nowMs: number): GaugeView {
    const size = this.#advance(nowMs)
    const blockedMs = Math.max(0, this.#blockedUntilMs - nowMs)
    if (size === undefined) {
      return { limit: undefined, used: 0, remaining: undefined, resetMs: blockedMs }
    }
    const resetMs = Math.max(blockedMs, this.#resetMs(nowMs))
    const remaining = Math.max(0, this.#remaining)
    return { limit: size, used: size - this.#remaining, remaining, resetMs }
  }

  /** Begins the window of `nowMs`, and gives its size; undefined where no limit is known. */
  #advance(nowMs: number): number | undefined {
    const limit = this.#limit.perWindow
    if (limit === undefined) return undefined
    const size = limit * this.#share.at(nowMs)
    const { windowMs } = this.dimension
    if (nowMs > this.#atMs) {
      const gained = (nowMs - this.#atMs) * this.#pacePerMs(this.#atMs)
      this.#burst = Math.min(size * this.#burstShare, this.#burst + gained)
      this.#atMs = nowMs
    }
    if (this.#resetAtMs !== undefined && nowMs >= this.#resetAtMs + guardMs) {
      const windows = Math.floor((nowMs - guardMs - this.#resetAtMs) / windowMs) + 1
      this.#resetAtMs += windows * windowMs
      this.#remaining = size
      // What was too much in one window is no debt of the next, which has gone on for so long.
      const sinceMs = nowMs - (this.#resetAtMs - windowMs)
      const gained = (sinceMs / windowMs + windows - 1) * size
      this.#burst = Math.min(size * this.#burstShare, Math.max(0, this.#burst) + gained)
    }
    return size
  }

  /** What is gone because of `mark`: taken without a limit, it is more than there can be. */
  #held(mark: Mark, nowMs: number): number {
    return Math.min(mark.amount, this.#advance(nowMs) ?? Infinity)
  }

  #spend(amount: number): void {
    this.#remaining -= amount
    this.#burst -= amount
  }

  /** What is left, spread over what is left of the window. */
  #pacePerMs(nowMs: number): number {
    const size = (this.#limit.perWindow ?? 0) * this.#share.at(nowMs)
    const pace = Math.max(0, this.#remaining) / Math.max(1, this.#resetMs(nowMs))
    return Math.max(pace, size / this.dimension.windowMs / 100)
  }

  #resetMs(nowMs: number): number {
    if (this.#resetAtMs === undefined) return this.dimension.windowMs
    return Math.max(0, this.#resetAtMs + guardMs - nowMs)
  }

  #isThisWindow(sentMs: number, nowMs: number): boolean {
    this.#advance(nowMs)
    const resetAtMs = this.#resetAtMs ?? Infinity
    return sentMs >= resetAtMs - this.dimension.windowMs && sentMs < resetAtMs + guardMs
  }

  /**
   * Gives whether a header with this reset tells of the present window. The later of two that mean one
   * instant counts: rounded up or down, it is not before the true one.
   */
  #learnReset(toldMs: number, size: number): boolean {
    const knownMs = this.#resetAtMs ?? -Infinity
    if (Math.abs(toldMs - knownMs) < roundingMs) {
      this.#resetAtMs = Math.max(knownMs, toldMs)
      return true
    }
    // Its answer took until after the reset.
    if (Math.abs(toldMs + this.dimension.windowMs - knownMs) < roundingMs) return false
    if (toldMs > knownMs) this.#remaining = size
    this.#resetAtMs = toldMs
    return true
  }

  #margin(scaled: number, size: number): number {
    if (this.dimension.unit === 'requests') return Math.min(1, size * marginShareMax)
    return Math.min(this.#book.margin(scaled), size * marginShareMax)
  }

  #compare(mark: Mark, remaining: number): void {
    const last = this.#book.lastSeen
    const { unit, quantum } = this.dimension
    const isSame =
      last !== undefined &&
      !this.#limit.isBelowAccount &&
      this.#isThisWindow(last.mark.sentMs, mark.sentMs)
    const refilled = isSame && unit !== 'requests' ? 0 : undefined
    this.#book.see(mark, { remaining, refilled, quantum })
  }

  #renewSlice(): void {
    const { ratePerMs, share } = this.#limit
    const { sliceMs } = this.dimension
    if (sliceMs > 0 && ratePerMs !== undefined) this.#slice = new Slice(ratePerMs, sliceMs, share)
  }
}
