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

/** Counts what is charged within one span of the calendar, and begins at zero with the next. */
export class CalendarCounter implements Counter {
  readonly #span: CalendarSpan
  #start = 0
  #end = 0
  #used = 0n

  constructor(span: CalendarSpan) {
    this.#span = span
  }

  used(nowMs: number): bigint {
    this.#turn(nowMs)
    return this.#used
  }

  charge(amount: bigint, nowMs: number): void {
    this.#turn(nowMs)
    this.#used += amount
  }

  takeBack(amount: bigint, chargedMs: number, nowMs: number): void {
    this.#turn(nowMs)
    // What was charged in an earlier span stays with that one.
    if (chargedMs < this.#start) return
    this.#used -= least(amount, this.#used)
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
    if (start > this.#start) this.#used = 0n
    this.#start = start
    this.#end = end
  }
}
