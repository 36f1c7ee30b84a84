/** One call, as it was or as it is simulated. */
export interface TalliedCall {
  /** By which prompts are compared with each other. */
  readonly size: number
  /** Undefined where it was not streamed. */
  readonly ttftMs: number | undefined
  readonly promptTokens: number
  /** Undefined where nobody said. */
  readonly cachedTokens: number | undefined
  readonly outputTokens: number
  readonly startMs: number
  readonly endMs: number
}

/** What a policy is judged by; times in milliseconds, NaN where there is nothing to judge by. */
export interface TallyFigures {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  /** Of the largest 1 % of the prompts: the median and the longest. */
  readonly largeP50: number
  readonly largeMax: number
  /** Part of the prompt tokens that was cached. */
  readonly hitRate: number
  readonly outputTokensPerSecond: number
}

/** Adds up calls; 16 bytes each. */
export class Tally {
  readonly #ttfts: number[] = []
  readonly #sizes: number[] = []
  #prompt = 0
  #cached = 0
  #output = 0
  #startMs = Number.POSITIVE_INFINITY
  #endMs = Number.NEGATIVE_INFINITY

  add(call: TalliedCall): void {
    if (call.ttftMs !== undefined) {
      this.#ttfts.push(call.ttftMs)
      this.#sizes.push(call.size)
    }
    if (call.cachedTokens !== undefined) {
      this.#prompt += call.promptTokens
      this.#cached += Math.min(call.cachedTokens, call.promptTokens)
    }
    this.#output += call.outputTokens
    this.#startMs = Math.min(this.#startMs, call.startMs)
    this.#endMs = Math.max(this.#endMs, call.endMs)
  }

  get figures(): TallyFigures {
    const ttfts = ascending(this.#ttfts)
    const sizes = ascending(this.#sizes)
    const bound = sizes[sizes.length - Math.max(1, Math.round(sizes.length / 100))] ?? 0
    const large = ascending(this.#ttfts.filter((_, at) => (this.#sizes[at] ?? 0) >= bound))
    return {
      mean: ttfts.reduce((sum, value) => sum + value, 0) / ttfts.length,
      p50: quantile(ttfts, 0.5),
      p90: quantile(ttfts, 0.9),
      p99: quantile(ttfts, 0.99),
      largeP50: quantile(large, 0.5),
      largeMax: quantile(large, 1),
      hitRate: this.#cached / this.#prompt,
      outputTokensPerSecond: (this.#output * 1_000) / (this.#endMs - this.#startMs),
    }
  }
}

function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).toSorted()
}

/** Of sorted values, by nearest rank. */
function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}
