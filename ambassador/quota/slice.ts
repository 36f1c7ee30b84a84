/** Requests of a short slice that are remembered at most: beyond it slices are cut shorter. */
const rememberedMax = 1_024

/**
 * Processes that share an account cannot take turns with the odd request of a slice: each leaves it. Of
 * fewer requests that would be too much of them, and some are refused instead (measured: 3 %).
 */
const wholeFrom = 3

/** A refusal so soon after another has not been helped by what was done about that. */
const againMs = 5_000

/**
 * Holds requests to a limit's share of every slice, wherever the provider lets its slices begin: no
 * more than `count` in any `spanMs`. O(1); memory 8 bytes for each of `count`.
 */
export class Slice {
  readonly #sentMs: Float64Array
  readonly #spanMs: number
  #next = 0
  #refusedMs = -Infinity

  /**
   * `ratePerMs` is the limit's; a slice holds at least one request and is as long as that takes. `share`
   * is the part of the account that it is.
   */
  constructor(ratePerMs: number, sliceMs: number, share = 1) {
    const count = Math.min(Math.max(1, Math.floor(ratePerMs * sliceMs + 1e-9)), rememberedMax)
    this.#sentMs = new Float64Array(count).fill(-Infinity)
    const spanMs = count / ratePerMs
    this.#spanMs = share < 1 && count >= wholeFrom ? Math.max(sliceMs, spanMs) : spanMs
  }

  /** `share` of the count: others use the account too. */
  waitMs(nowMs: number, share: number): number {
    const oldest = this.#sentMs[this.#next] ?? -Infinity
    return Math.max(0, oldest + this.#spanMs / share - nowMs)
  }

  /**
   * Moves the beat after a refusal: what is sent just before the provider's next slice begins is
   * counted in either, as the way there is short or long, and would be so in every slice. Gives
   * whether that was done in vain before: then it is not the beat.
   */
  refused(nowMs: number): boolean {
    const sinceMs = nowMs - this.#refusedMs
    // Calls that were on their way are of the same cause.
    if (sinceMs < this.#spanMs) return false
    this.#refusedMs = nowMs
    const byMs = this.#spanMs / 10
    for (const [at, sentMs] of this.#sentMs.entries()) this.#sentMs[at] = sentMs + byMs
    return sinceMs < againMs
  }

  /**
   * What was taken at `sentMs` was never sent. O(count). Does nothing where a refusal has moved the
   * beat since.
   */
  giveBack(sentMs: number): void {
    const { length } = this.#sentMs
    const at = this.#sentMs.lastIndexOf(sentMs)
    if (at < 0) return
    // What is older moves up, and the oldest place is free.
    for (let hole = at; hole !== this.#next; hole = (hole + length - 1) % length) {
      this.#sentMs[hole] = this.#sentMs[(hole + length - 1) % length] ?? -Infinity
    }
    this.#sentMs[this.#next] = -Infinity
  }

  take(nowMs: number): void {
    this.#sentMs[this.#next] = nowMs
    this.#next = (this.#next + 1) % this.#sentMs.length
  }
}
