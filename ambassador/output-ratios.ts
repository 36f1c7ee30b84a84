/** What one model has written so far: recent answers weigh more. */
interface Written {
  bytes: number
  tokens: number
}

/** English prose has about four bytes a token. */
const bytesPerToken = 4
/** Models remembered; a provider serves few. The one that was learned of longest ago goes. */
const modelsMax = 256
/** Share that an answer keeps when the next one is learned of: about twenty of them count. */
const memory = 0.95
/** An answer of fewer tokens says more of its envelope than of its text. */
const tokensMin = 8

/**
 * How many bytes of deltas a token of each model makes, learned from answers that ended with the
 * provider's usage. Tokens that are billed and never shown, hidden reasoning, are in the ratio as
 * often as they were in those answers.
 */
export class OutputRatios {
  readonly #models = new Map<string, Written>()

  /** Takes account of an answer that is whole. */
  learn(model: string, bytes: number, tokens: number): void {
    if (tokens < tokensMin || bytes <= 0) return
    const known = this.#models.get(model)
    if (known === undefined) {
      for (const oldest of this.#models.keys()) {
        if (this.#models.size < modelsMax) break
        this.#models.delete(oldest)
      }
      this.#models.set(model, { bytes, tokens })
      return
    }
    known.bytes = known.bytes * memory + bytes
    known.tokens = known.tokens * memory + tokens
  }

  /** About how many tokens so many bytes of deltas are; 0 for none. */
  tokensIn(model: string, bytes: number): number {
    const known = this.#models.get(model)
    const ratio = known === undefined ? bytesPerToken : known.bytes / known.tokens
    return Math.ceil(bytes / ratio)
  }
}
