import { type Counter, least, type Slot } from './counter.ts'

/** A span of the calendar, always of UTC: every replica and every reader agrees on its end. */
export type CalendarSpan = 'hour' | 'day' | 'month'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Begin and end, in ms since 1970, of the span that `atMs` is in: [start, end). */
export function boundsOf(span: CalendarSpan, atMs: number): { start: number; end: number } {
  if (span === 'month') {
    const date = new Date(atMs)
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
  }
  const lengthMs = span === 'hour' ? hourMs : dayMs
  const start = Math.floor(atMs / lengthMs) * lengthMs
  return { start, end: start + lengthMs }
}

/** Spans that are remembered besides the one that the clock is in. */
const othersMax = 2

/**
 * Counts what is charged within one span of the calendar, and begins at zero with the next. Where the
 * clock is set back into an earlier span, what was used in the later one counts besides what that
 * span had; when the later one comes again, it has what was charged in it.
 */
export class CalendarCounter implements Counter {
  readonly #span: CalendarSpan
  #start = 0
  #end = 0
  /** Charged in this span. */
  #own = 0n
  /** Used in a later span, before the clock was set back into this one. */
  #carried = 0n
  /** What was charged in other spans that the clock was in, by their begin; the oldest entry first. */
  readonly #others = new Map<number, bigint>()

  constructor(span: CalendarSpan) {
    this.#span = span
  }

  used(nowMs: number): bigint {
    this.#turn(nowMs)
    return this.#own + this.#carried
  }

  charge(amount: bigint, nowMs: number): void {
    this.#turn(nowMs)
    this.#own += amount
  }

  takeBack(amount: bigint, chargedMs: number, nowMs: number): void {
    this.#turn(nowMs)
    if (chargedMs >= this.#start && chargedMs < this.#end) {
      this.#own -= least(amount, this.#own)
      return
    }
    if (chargedMs >= this.#end) this.#carried -= least(amount, this.#carried)
    const { start } = boundsOf(this.#span, chargedMs)
    const other = this.#others.get(start)
    // What was charged in another span stays with that one.
    if (other !== undefined) this.#others.set(start, other - least(amount, other))
  }

  fallsTo(allowed: bigint, nowMs: number): number {
    return this.used(nowMs) <= allowed ? nowMs : this.#end
  }

  slots(nowMs: number): Slot[] {
    const used = this.used(nowMs)
    return used === 0n ? [] : [[this.#start, used]]
  }

  #turn(nowMs: number): void {
    if (nowMs >= this.#start && nowMs < this.#end) return
    const { start, end } = boundsOf(this.#span, nowMs)
    this.#carried = start < this.#start ? this.#own + this.#carried : 0n
    const [left, leftStart] = [this.#own, this.#start]
    this.#own = this.#others.get(start) ?? 0n
    this.#others.delete(start)
    if (left > 0n) this.#remember(leftStart, left)
    this.#start = start
    this.#end = end
  }

  #remember(start: number, amount: bigint): void {
    const [oldest] = this.#others.keys()
    if (this.#others.size >= othersMax && oldest !== undefined) this.#others.delete(oldest)
    this.#others.set(start, amount)
  }
}
