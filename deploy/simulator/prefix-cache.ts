import { hash } from 'node:crypto'

/** What the cache held of one prompt, in tokens. */
export interface PrefixHit {
  /**
   * Whole blocks from the start, never the last token: that one must be computed to give the first
   * answer token.
   */
  readonly cachedTokens: number
  /** Whole blocks this prompt added. */
  readonly createdTokens: number
}

/**
 * A bounded set of block hashes, least recently used out first, as vLLM's automatic prefix caching
 * keeps it.
 */
export class PrefixCache {
  readonly #held = new Set<string>()
  readonly #blocksMax: number
  readonly #blockTokens: number

  constructor(blocksMax: number, blockTokens: number) {
    this.#blocksMax = blocksMax
    this.#blockTokens = blockTokens
  }

  /**
   * Looks `tokens` up and stores its whole blocks at once: a block is shared as soon as it is
   * scheduled.
   */
  admit(tokens: readonly string[], salt: string): PrefixHit {
    const usable = Math.floor(Math.max(0, tokens.length - 1) / this.#blockTokens)
    let hits = 0
    let created = 0
    let at = 0
    for (const block of this.#hashes(tokens, salt)) {
      const isHeld = this.#held.delete(block)
      this.#held.add(block)
      if (isHeld && hits === at && at < usable) hits += 1
      if (!isHeld) created += 1
      at += 1
    }
    this.#evict()
    return { cachedTokens: hits * this.#blockTokens, createdTokens: created * this.#blockTokens }
  }

  /** How many of `tokens` `admit` would find, in whole blocks; changes nothing. */
  cachedTokens(tokens: readonly string[], salt: string): number {
    const usable = Math.floor(Math.max(0, tokens.length - 1) / this.#blockTokens)
    let hits = 0
    for (const block of this.#hashes(tokens, salt)) {
      if (hits === usable || !this.#held.has(block)) break
      hits += 1
    }
    return hits * this.#blockTokens
  }

  *#hashes(tokens: readonly string[], salt: string): Generator<string> {
    let parent = salt
    for (let end = this.#blockTokens; end <= tokens.length; end += this.#blockTokens) {
      const content = tokens.slice(end - this.#blockTokens, end).join('\u0000')
      parent = hash('sha1', `${parent}\u0001${content}`, 'base64')
      yield parent
    }
  }

  #evict(): void {
    for (const block of this.#held) {
      if (this.#held.size <= this.#blocksMax) return
      this.#held.delete(block)
    }
  }
}
