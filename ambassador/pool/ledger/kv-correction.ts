/** Part of the difference that one scrape corrects: several seconds' worth, so that noise cancels out. */
const gain = 0.2
/** Part of the capacity that is corrected at most, either way. */
const correctionMax = 0.5

/**
 * What the ledger's count of KV blocks misses, by the replica's own gauge: prompts counted wrongly,
 * calls that others sent past us. A slow integral of the difference.
 */
export class KvCorrection {
  #blocks = 0

  /** To be added to what the ledger counts. */
  get blocks(): number {
    return this.#blocks
  }

  /**
   * A scrape said `observed` blocks. The ledger counts `least` without calls that may not have been
   * scheduled yet, and `most` with them: what lies between says nothing.
   */
  observe(
    observed: number,
    { least, most }: { least: number; most: number },
    capacity: number,
  ): void {
    const low = least + this.#blocks
    const high = most + this.#blocks
    const error = observed > high ? observed - high : observed < low ? observed - low : 0
    const bound = correctionMax * capacity
    this.#blocks = Math.max(-bound, Math.min(bound, this.#blocks + gain * error))
  }
}
