/** One live call as the forecast sees it. */
export interface Growing {
  /** Blocks that its end will free, of those it has at present. */
  readonly blocks: number
  /** Tokens it is expected to generate yet. */
  readonly remaining: number
}

/** Part of the expected growth that is reckoned with: half of it errs least where lengths vary much. */
const growthShare = 0.5

/**
 * How the KV use of a replica goes on if nothing more comes: every call grows by a token in each step,
 * and frees its blocks when it ends. In steps from now.
 */
export class KvForecast {
  /** Blocks that a call grows by in a step. */
  readonly #growth: number
  /** Steps from now at which calls end, ascending, and blocks held just before each. */
  readonly #ends: { readonly step: number; readonly held: number }[] = []
  #held = 0

  constructor(blockTokens: number) {
    this.#growth = growthShare / blockTokens
  }

  /** `held`: blocks that live calls hold, each counted once. O(n log n). */
  build(held: number, calls: readonly Growing[]): void {
    this.#held = held
    this.#ends.length = 0
    let alive = calls.length
    let base = held
    for (const { blocks, remaining } of calls.toSorted(
      (one, other) => one.remaining - other.remaining,
    )) {
      this.#ends.push({ step: remaining, held: base + alive * remaining * this.#growth })
      alive--
      base -= blocks
    }
  }

  /** Until a call of `blocks` blocks would find room; Infinity where it never would. */
  stepsUntil(blocks: number, capacity: number): number {
    if (this.#held + blocks <= capacity) return 0
    for (const [at, { step }] of this.#ends.entries()) {
      if (this.#heldBefore(at + 1, step) + blocks <= capacity) return step
    }
    return Number.POSITIVE_INFINITY
  }

  /** Until all that is there has ended. */
  get stepsToEnd(): number {
    return this.#ends.at(-1)?.step ?? 0
  }

  /** Blocks held just after the calls that end within `steps` have ended. */
  heldAfter(steps: number): number {
    const at = this.#ends.findIndex(({ step }) => step > steps)
    return at < 0 ? 0 : this.#heldBefore(at, steps)
  }

  /** Blocks held `steps` from now, where call `at` is the next to end. */
  #heldBefore(at: number, steps: number): number {
    const next = this.#ends[at]
    if (next === undefined) return 0
    const alive = this.#ends.length - at
    return next.held - alive * (next.step - steps) * this.#growth
  }
}
