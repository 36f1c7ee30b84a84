import { type Counter, least, type Slot } from './counter.ts'

/**
 * One more than a minute has: the second that has just begun counts besides sixty whole ones, so
 * that no 60 s, wherever they begin, hold more than the limit. A fixed minute lets twice the limit
 * pass around its end.
 */
const slotsKept = 61
const slotMs = 1_000

/** Counts what was charged within the last 60 to 61 s, to the second. */
export class SlidingMinute implements Counter {
  readonly #amounts: bigint[] = []
  /** The second, since 1970, of the newest slot. */
  #second = 0
  #used = 0n

  used(nowMs: number): bigint {
    this.#turn(nowMs)
    return this.#used
  }

  charge(amount: bigint, nowMs: number): void {
    this.#turn(nowMs)
    this.#add(this.#second, amount)
  }

  takeBack(amount: bigint, chargedMs: number, nowMs: number): void {
    this.#turn(nowMs)
    const second = Math.min(Math.floor(chargedMs / slotMs), this.#second)
    if (second <= this.#second - slotsKept) return
    this.#add(second, -least(amount, this.#at(second)))
  }

  fallsTo(allowed: bigint, nowMs: number): number {
    if (this.used(nowMs) <= allowed) return nowMs
    // From the newest: the first second that no longer fits has to leave, all before it have left.
    let second = this.#second
    let kept = this.#at(second)
    while (kept <= allowed) {
      second--
      kept += this.#at(second)
    }
    return (second + slotsKept) * slotMs
  }

  slots(nowMs: number): Slot[] {
    this.#turn(nowMs)
    const slots: Slot[] = []
    for (let second = this.#second - slotsKept + 1; second <= this.#second; second++) {
      const amount = this.#at(second)
      if (amount > 0n) slots.push([second * slotMs, amount])
    }
    return slots
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / slotMs)
    if (second === this.#second) return
    const used = this.#used
    if (second < this.#second || second - this.#second >= slotsKept) {
      const wasSetBack = second < this.#second
      this.#amounts.fill(0n)
      this.#used = 0n
      this.#second = second
      if (wasSetBack) this.#add(second, used)
      return
    }
    while (this.#second < second) {
      this.#second++
      this.#add(this.#second, -this.#at(this.#second))
    }
  }

  #at(second: number): bigint {
    return this.#amounts[second % slotsKept] ?? 0n
  }

  #add(second: number, amount: bigint): void {
    // An array of its own length only once it is used: most limits of most tenants rest.
    while (this.#amounts.length < slotsKept) this.#amounts.push(0n)
    this.#amounts[second % slotsKept] = this.#at(second) + amount
    this.#used += amount
  }
}
