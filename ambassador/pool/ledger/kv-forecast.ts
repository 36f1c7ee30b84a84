/** One live call as the forecast sees it. */
export interface Growing {
  /** Blocks that its end will free, those it has at present. */
  readonly blocks: number
  /** Tokens it is expected to generate yet. */
  readonly remaining: number
}

/**
 * How the KV use of a replica goes on if nothing more comes: every call grows by a token a step and frees
 * its blocks when it ends. A call fits where the highest point that it would make stays below the
 * capacity, which is what keeps a replica from preempting (Past-Future scheduling: Gong et al.,
 * ASPLOS 2025).
 */
export class KvForecast {
  /** Blocks that a call grows by in a step. */
  readonly #growth: number
  /** Steps from now at which calls end, ascending, and blocks held just before each. */
  #steps = new Float64Array(64)
  #held = new Float64Array(64)
  #count = 0
  #now = 0

  /** `share`: part of the expected growth that is reckoned with, 0 to 1. */
  constructor(blockTokens: number, share: number) {
    this.#growth = share / blockTokens
  }

  /** `held`: blocks that live calls hold, each counted once. */
  build(held: number, calls: readonly Growing[]): void {
    const sorted = calls.toSorted((one, other) => one.remaining - other.remaining)
    if (sorted.length > this.#steps.length) {
      this.#steps = new Float64Array(sorted.length * 2)
      this.#held = new Float64Array(sorted.length * 2)
    }
    this.#now = held
    this.#count = sorted.length
    let alive = sorted.length
    let base = held
    sorted.forEach(({ blocks, remaining }, at) => {
      this.#steps[at] = remaining
      this.#held[at] = base + alive * remaining * this.#growth
      alive--
      base -= blocks
    })
  }

  /** The most blocks held at once if a call of `blocks` more comes now and generates `tokens`. */
  peakWith(blocks: number, tokens: number): number {
    let peak = this.#now + blocks
    for (let at = 0; at < this.#count; at++) {
      const step = this.#steps[at] ?? 0
      const own = blocks + Math.min(step, tokens) * this.#growth
      if (step > tokens) {
        // Between two ends everything grows: the point where this call ends is the last that counts.
        return Math.max(peak, this.#at(at, tokens) + blocks + tokens * this.#growth)
      }
      peak = Math.max(peak, (this.#held[at] ?? 0) + own)
    }
    return Math.max(peak, blocks + tokens * this.#growth)
  }

  /** Blocks held `steps` from now, where `at` is the first call that ends no sooner. */
  #at(at: number, steps: number): number {
    const alive = this.#count - at
    return (this.#held[at] ?? 0) - alive * ((this.#steps[at] ?? 0) - steps) * this.#growth
  }

  /** Steps until a call of `blocks` blocks would find room; Infinity where it never would. */
  stepsUntil(blocks: number, capacity: number): number {
    if (this.#now + blocks <= capacity) return 0
    for (let at = 0; at < this.#count; at++) {
      // Just after the end of this one.
      const next = at + 1 < this.#count ? this.#at(at + 1, this.#steps[at] ?? 0) : 0
      if (next + blocks <= capacity) return this.#steps[at] ?? 0
    }
    return Number.POSITIVE_INFINITY
  }

  /** Blocks held just after the calls that end within `steps` have ended. */
  heldAfter(steps: number): number {
    for (let at = 0; at < this.#count; at++) {
      if ((this.#steps[at] ?? 0) > steps) return this.#at(at, steps)
    }
    return 0
  }
}
