import type { Expected, Used } from './shape.ts'
import type { Want } from './want.ts'

/** Of how many calls the learned figures remember. */
const memory = 50
/** Calls' worth of trust in the first guess. */
const prior = 2
/** Where the caller sets no bound: a usual answer. */
const outputGuess = 500
/** Before anything is known, no larger bound makes a longer answer: it is often the model's own. */
const outputGuessMost = 2_000
/** No model writes more in one answer: beyond it a bound is a mistake or an attack. */
const outputMaxBelieved = 1_000_000
const ratioBounds = { least: 0.25, most: 4 }

/** What calls of one tenant came to, compared with what was said of them before. O(1). */
export class Habits {
  #estimated = prior
  #actual = prior
  #outputs = 0
  #calls = 0

  /** `want` as its usage will read, by what its tenant's calls before it came to. */
  expect({ inputTokens, cachedTokens, outputTokensMax }: Want): Expected {
    const { least, most } = ratioBounds
    const outputMax =
      outputTokensMax === undefined ? undefined : Math.min(outputTokensMax, outputMaxBelieved)
    const ratio = Math.min(Math.max(this.#actual / this.#estimated, least), most)
    const guess = outputMax === undefined ? outputGuess : Math.min(outputMax / 2, outputGuessMost)
    const mean = (this.#outputs + prior * guess) / (this.#calls + prior)
    return {
      input: inputTokens * ratio,
      cached: Math.min(cachedTokens, inputTokens) * ratio,
      output: Math.min(mean, outputMax ?? Infinity),
      outputMax,
    }
  }

  learn({ inputTokens }: Want, { input, output }: Used): void {
    const kept = 1 - 1 / memory
    this.#calls = this.#calls * kept + 1
    this.#outputs = this.#outputs * kept + output
    if (inputTokens <= 0) return
    // Each call counts alike: one huge prompt must not stand for all.
    this.#estimated = this.#estimated * kept + 1
    this.#actual = this.#actual * kept + Math.min(input / inputTokens, ratioBounds.most)
  }
}
