import type { Clock } from '#shared/call/clock.ts'

export interface BudgetLimits {
  /** Retries per hundred calls. */
  readonly budgetPercent: number
  /** Retries a second beside them. */
  readonly budgetFloor: number
}

/** Finagle's default: what a call has brought in may be spent within ten seconds. */
const windowMs = 10_000
const slices = 10
const sliceMs = windowMs / slices

/**
 * How many retries all calls of this process may make: a share of the calls of the last ten seconds
 * and a floor, as Finagle's RetryBudget. Both calls and retries are forgotten after the window, by
 * the second. Within any nine seconds, retries <= percent × calls of the ten seconds before the last
 * of them + ten times the floor.
 */
export class RetryBudget {
  readonly #clock: Clock
  readonly #calls = new Float64Array(slices)
  readonly #retries = new Float64Array(slices)
  #callsSum = 0
  #retriesSum = 0
  /** Number of the present slice since the clock's start. */
  #slice: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#slice = Math.floor(clock.now() / sliceMs)
  }

  /** Once per call, before its first attempt. */
  deposit(): void {
    const at = this.#advance()
    this.#calls[at] = (this.#calls[at] ?? 0) + 1
    this.#callsSum++
  }

  /** Before each further attempt; false where it must not be made. The limits may change between. */
  withdraw(limits: BudgetLimits): boolean {
    const at = this.#advance()
    if (this.#balance(limits) < 1) return false
    this.#retries[at] = (this.#retries[at] ?? 0) + 1
    this.#retriesSum++
    return true
  }

  /** Retries that could be made at once; for metrics. */
  balance(limits: BudgetLimits): number {
    this.#advance()
    return Math.max(0, Math.floor(this.#balance(limits)))
  }

  #balance({ budgetPercent, budgetFloor }: BudgetLimits): number {
    const allowed = (budgetPercent * this.#callsSum) / 100 + (budgetFloor * windowMs) / 1_000
    return allowed - this.#retriesSum
  }

  /** Forgets what has left the window; gives where the present slice lies. */
  #advance(): number {
    const slice = Math.floor(this.#clock.now() / sliceMs)
    const passed = Math.min(slice - this.#slice, slices)
    for (let step = 1; step <= passed; step++) {
      const at = (this.#slice + step) % slices
      this.#callsSum -= this.#calls[at] ?? 0
      this.#retriesSum -= this.#retries[at] ?? 0
      this.#calls[at] = 0
      this.#retries[at] = 0
    }
    // After a long pause every slice is empty, wherever the next one lies.
    this.#slice = slice
    return slice % slices
  }
}
