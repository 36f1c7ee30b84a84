/** Calls after which what was seen before counts half. */
const halfLife = 500
/** Tokens of an assumed history, half of which hit, until real calls outweigh it. */
const assumedTokens = 50_000

/** Part of the prompt tokens that the pool lately found in its caches. */
export class HitRate {
  #prompt = assumedTokens
  #cached = assumedTokens / 2

  /** 0 to below 1: the last token of a prompt is always computed. */
  get value(): number {
    return this.#cached / this.#prompt
  }

  add(promptTokens: number, cachedTokens: number): void {
    const keep = 0.5 ** (1 / halfLife)
    this.#prompt = this.#prompt * keep + promptTokens
    this.#cached = this.#cached * keep + cachedTokens
  }
}
