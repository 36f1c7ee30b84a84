/** Tokens an answer must have to tell the pace, and how much one answer tells. */
const tokensMin = 8
const gain = 0.05
/** Until an answer has ended. */
const assumedMs = 30

/** What a replica takes between two tokens of an answer, lately. */
export class Pace {
  #stepMs = assumedMs

  /** Milliseconds. */
  get stepMs(): number {
    return this.#stepMs
  }

  /** An answer of so many tokens, and what passed from its first one to its end. */
  add(tokens: number, ms: number): void {
    if (tokens < tokensMin) return
    this.#stepMs += gain * (ms / (tokens - 1) - this.#stepMs)
  }
}
