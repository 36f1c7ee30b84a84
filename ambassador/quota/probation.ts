/** Calls that go before anything is known. */
const firstCalls = 8
/** After each such time as many again have gone. */
const doublingMs = 1_000
/** Whoever has let in this many has no limit that a burst at the start would break. */
const callsMax = 1_024

/**
 * Before the first answer of a provider that tells its limits in headers, nobody knows how many calls
 * it takes: they go in doubling numbers, so that a process that starts into a full queue does not
 * spend a whole minute's limit, and more, unseen.
 */
export class Probation {
  #sent = 0
  #firstMs = 0
  #isOver = false

  waitMs(nowMs: number): number {
    if (this.#isOver || this.#sent < firstCalls) return 0
    const dueMs = this.#firstMs + doublingMs * Math.log2((this.#sent + 1) / firstCalls)
    return Math.max(0, dueMs - nowMs)
  }

  take(nowMs: number): void {
    if (this.#sent === 0) this.#firstMs = nowMs
    this.#sent++
    if (this.#sent >= callsMax) this.#isOver = true
  }

  /** A call that was let in was never sent. */
  giveBack(): void {
    this.#sent = Math.max(0, this.#sent - 1)
  }

  /** An answer came: what it says of limits is known, and what it does not say is not told at all. */
  end(): void {
    this.#isOver = true
  }
}
