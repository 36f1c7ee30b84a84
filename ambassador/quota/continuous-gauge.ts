import { ChargeBook } from './charge-book.ts'
import type { Blame, Gauge, GaugeView, Mark, Supply } from './gauge.ts'
import type { LimitFact } from './headers.ts'
import { LearnedShare } from './learned-share.ts'
import { RateLimit } from './rate-limit.ts'
import type { Dimension } from './shape.ts'
import { Slice } from './slice.ts'

/** Most of a bucket that is kept in reserve: where estimates are worse, refusals teach. */
const marginShareMax = 0.1

/**
 * A bucket that refills all the time. Without a limit, told or configured, it lets everything pass.
 * Its level is the provider's as of the last header, less what was sent since, more what refilled.
 */
export class ContinuousGauge implements Gauge {
  readonly dimension: Dimension
  readonly #limit: RateLimit
  readonly #book = new ChargeBook()
  readonly #share = new LearnedShare()
  #slice: Slice | undefined
  #level: number
  #atMs: number
  #blockedUntilMs = -Infinity

  constructor(dimension: Dimension, configured: number | undefined, nowMs: number) {
    this.dimension = dimension
    this.#limit = new RateLimit(dimension.windowMs, configured)
    this.#atMs = nowMs
    this.#level = configured ?? Infinity
    this.#renewSlice()
  }

  setShare(share: number): void {
    this.#limit.share = share
    this.#renewSlice()
  }

  setLimit(configured: number | undefined, nowMs: number): void {
    const before = this.#advance(nowMs)
    const used = before === undefined ? 0 : before - this.#level
    this.#limit.configured = configured
    this.#renewSlice()
    this.#atMs = nowMs
    const size = this.#advance(nowMs)
    this.#level = size === undefined ? Infinity : size - Math.min(used, size)
  }

  waitMs(amount: number, nowMs: number): number {
    const blockedMs = Math.max(
      this.#blockedUntilMs - nowMs,
      this.#slice?.waitMs(nowMs, this.#share.at(nowMs)) ?? 0,
      0,
    )
    const size = this.#advance(nowMs)
    if (size === undefined) return blockedMs
    const need = this.#need(amount, size)
    // Sums of fractions are off by their last digits: no timer for that.
    if (need - this.#level <= size * 1e-9) return blockedMs
    return Math.max(blockedMs, (need - this.#level) / this.#ratePerMs(nowMs))
  }

  most(nowMs: number): number {
    return this.#limit.most(nowMs)
  }

  headroom(amount: number, nowMs: number): number {
    const size = this.#advance(nowMs)
    return size === undefined ? 1 : (this.#level - amount * this.#book.ratio) / size
  }

  take(amount: number, nowMs: number): Mark {
    const size = this.#advance(nowMs) ?? Infinity
    this.#slice?.take(nowMs)
    const mark = this.#book.take(Math.min(amount, size / this.#book.ratio), nowMs)
    this.#level -= mark.amount
    return mark
  }

  settle(mark: Mark, amount: number | undefined, nowMs: number): void {
    this.#book.end(mark, amount ?? mark.amount)
    if (amount === undefined) return
    this.#book.correct(amount - mark.amount)
    const held = this.#held(mark, nowMs)
    this.#level -= amount - held
    mark.amount = amount
  }

  giveBack(mark: Mark, nowMs: number): void {
    // Of a header's remainder it is no part, where that has replaced ours since.
    const isCounted = this.#limit.isBelowAccount || this.dimension.isLive
    const held = this.#held(mark, nowMs)
    if (isCounted || !this.#book.hasSeen(mark)) this.#level += held
    this.#book.end(mark, 0)
    mark.amount = 0
  }

  cancel(mark: Mark, nowMs: number): void {
    this.#slice?.giveBack(mark.sentMs)
    this.giveBack(mark, nowMs)
  }

  learn(fact: LimitFact, mark: Mark, nowMs: number): void {
    this.#advance(nowMs)
    if (this.#limit.learn(fact, nowMs)) this.#renewSlice()
    const size = this.#limit.perWindow
    if (fact.remaining === undefined || size === undefined || !this.#book.isLater(mark)) return
    const ratePerMs = this.#ratePerMs(nowMs)
    const { remaining } = fact
    this.#compare(mark, remaining)
    const refilled = remaining + (nowMs - mark.sentMs) * ratePerMs
    const left = refilled - this.#book.since(mark)
    if (this.#limit.isBelowAccount) this.#level = Math.min(this.#level, left)
    else if (this.dimension.isLive) this.#learnLive(mark, refilled)
    else this.#level = left
    // What was taken while no limit was known may be more than there ever is.
    this.#level = Math.max(-size, Math.min(this.#level, size))
  }

  /**
   * Of what is counted as it is generated, a header tells what was there by then. Calls that have ended
   * since may have been in it or not, and calls in flight have taken something between nothing and all:
   * that bounds the level on both sides.
   */
  #learnLive(mark: Mark, refilled: number): void {
    const ended = this.#book.endedSince(mark)
    const most = refilled - Math.max(0, ended - mark.pending)
    const least = refilled - ended - this.#book.pending
    this.#level = Math.max(Math.min(this.#level, most), least)
  }

  admitted(): void {}

  refused(_mark: Mark, { fact, waitMs = 0, amount }: Blame, nowMs: number): void {
    this.#advance(nowMs)
    this.#book.interrupt()
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, nowMs + waitMs)
    if (this.#slice?.refused(nowMs) === true) this.#share.cut(nowMs)
    // What others are about to generate is in no header.
    if (fact?.remaining === undefined || this.dimension.isLive) this.#share.cut(nowMs)
    if (fact?.remaining !== undefined) return
    const size = this.#limit.perWindow
    if (size === undefined) return
    // It will have room for this call when it says so, and not before.
    const most = amount - waitMs * this.#ratePerMs(nowMs)
    this.#level = Math.min(this.#level, Math.max(-size, most))
  }

  supply(nowMs: number): Supply {
    const size = this.#advance(nowMs)
    const closedMs = Math.max(0, this.#blockedUntilMs - nowMs)
    if (size === undefined) return { level: Infinity, ratePerMs: 0, closedMs }
    const level = this.#level - this.#margin(0, size)
    const { ratio } = this.#book
    return { level: level / ratio, ratePerMs: this.#ratePerMs(nowMs) / ratio, closedMs }
  }

  view(nowMs: number): GaugeView {
    const size = this.#advance(nowMs)
    const blockedMs = Math.max(0, this.#blockedUntilMs - nowMs)
    if (size === undefined) {
      return { limit: undefined, used: 0, remaining: undefined, resetMs: blockedMs }
    }
    const used = size - this.#level
    const resetMs = Math.max(blockedMs, used / this.#ratePerMs(nowMs))
    return { limit: size, used, remaining: Math.max(0, this.#level), resetMs }
  }

  /** Refills up to `nowMs` and gives the bucket's size; undefined where no limit is known. */
  #advance(nowMs: number): number | undefined {
    const limit = this.#limit.perWindow
    if (limit === undefined) return undefined
    const size = limit * this.#share.at(nowMs)
    if (nowMs > this.#atMs) {
      this.#level = Math.min(size, this.#level + (nowMs - this.#atMs) * this.#ratePerMs(nowMs))
      this.#atMs = nowMs
    }
    return size
  }

  /** What the level lacks because of `mark`: taken without a limit, it is more than there can be. */
  #held(mark: Mark, nowMs: number): number {
    return Math.min(mark.amount, this.#advance(nowMs) ?? Infinity)
  }

  #ratePerMs(nowMs: number): number {
    return (this.#limit.ratePerMs ?? 0) * this.#share.at(nowMs)
  }

  /** A call larger than the bucket goes when that is full: the provider decides. */
  #need(amount: number, size: number): number {
    const scaled = amount * this.#book.ratio
    return Math.min(scaled + this.#margin(scaled, size), size)
  }

  #margin(scaled: number, size: number): number {
    const { quantum, unit } = this.dimension
    if (unit === 'requests') return Math.min(1, size * marginShareMax)
    const rounding = quantum > 1 ? quantum / 2 : 0
    const overtaken = Math.max(scaled, this.#book.largest)
    return Math.min(this.#book.margin(scaled) + rounding + overtaken, size * marginShareMax)
  }

  /** Not where others use the account, nor where the bucket was full in between and overflowed. */
  #compare(mark: Mark, remaining: number): void {
    const last = this.#book.lastSeen
    const { quantum, unit } = this.dimension
    const gapMs = last === undefined ? 0 : mark.sentMs - last.mark.sentMs
    const refilled = (this.#limit.ratePerMs ?? 0) * gapMs
    const isUnclear =
      unit === 'requests' ||
      this.dimension.isLive ||
      this.#limit.isBelowAccount ||
      last === undefined ||
      last.remaining + refilled > (this.#limit.perWindow ?? 0) - quantum
    this.#book.see(mark, { remaining, refilled: isUnclear ? undefined : refilled, quantum })
  }

  #renewSlice(): void {
    const { ratePerMs, share } = this.#limit
    const { sliceMs } = this.dimension
    if (sliceMs > 0 && ratePerMs !== undefined) this.#slice = new Slice(ratePerMs, sliceMs, share)
  }
}
