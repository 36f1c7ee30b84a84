/** Models whose times are remembered; the one not heard of for longest is forgotten. */
const modelsMax = 256
/** A step of the estimate: it follows a change within some dozens of answers. */
const step = 0.1
/** Of a hundred answers ten are quicker. */
const quickShare = 0.1
/** Where nothing is known: no provider's first content is there sooner. */
const leastMs = 50

/**
 * What the quicker answers of a model take from being sent to their first content, of whole answers
 * to their end: a call that is let go with less than that before its deadline is sent in vain. An
 * estimate of the tenth percentile by steps (stochastic approximation, Robbins and Monro 1951). O(1).
 */
export class AnswerTimes {
  readonly #quickMs = new Map<string, number>()

  learn(model: string, isStream: boolean, tookMs: number): void {
    const key = keyOf(model, isStream)
    const known = this.#quickMs.get(key) ?? tookMs
    const factor = tookMs < known ? 1 - step * (1 - quickShare) : 1 + step * quickShare
    this.#quickMs.delete(key)
    this.#quickMs.set(key, Math.max(leastMs, known * factor))
    if (this.#quickMs.size <= modelsMax) return
    const [oldest] = this.#quickMs.keys()
    if (oldest !== undefined) this.#quickMs.delete(oldest)
  }

  /** Milliseconds, at least 50. */
  quickMs(model: string, isStream: boolean): number {
    return this.#quickMs.get(keyOf(model, isStream)) ?? leastMs
  }
}

function keyOf(model: string, isStream: boolean): string {
  return isStream ? `stream ${model}` : `whole ${model}`
}
