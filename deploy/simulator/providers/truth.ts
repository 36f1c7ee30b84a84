/** Tokens as the provider counts them. `inputTokens` holds all input, cached or not. */
export interface TokenCounts {
  readonly inputTokens: number
  /** Of the input, read from the cache. */
  readonly cachedTokens: number
  /** Of the input, written to the cache (Anthropic). */
  readonly cacheWriteTokens: number
  readonly outputTokens: number
}

/** What one key has done with one model. */
export interface UsageTruth {
  /** The key's name. */
  readonly key: string
  readonly model: string
  /** Calls for an answer or embeddings whose key was known; all below are among them. */
  readonly calls: number
  /** Answered 429, for whatever reason. */
  readonly rateLimited: number
  /** Answered with another error. */
  readonly failed: number
  /** Answered, and generated to the end. */
  readonly finished: number
  /** Begun and broken off: the client left, or a fault ended the answer. */
  readonly brokenOff: number
  /** Answered in part and not over. */
  readonly live: number
  /** What the provider charges: all it computed, also for clients that left. */
  readonly billed: TokenCounts
  /**
   * What went out to the socket: output in events that were written whole, input where the usage
   * that tells of it was.
   */
  readonly delivered: TokenCounts
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export interface Tally extends Mutable<Omit<UsageTruth, 'billed' | 'delivered'>> {
  readonly billed: Mutable<TokenCounts>
  readonly delivered: Mutable<TokenCounts>
}

/** What a provider itself counted, by key and model. */
export class Truth {
  readonly #tallies = new Map<string, Tally>()
  /** Calls with a key that is not known. */
  unauthorized = 0
  /** Calls that ask how many tokens a request has. */
  counts = 0

  /** The counters of `key` and `model`, to be added to. */
  tally(key: string, model: string): Tally {
    const at = JSON.stringify([key, model])
    const known = this.#tallies.get(at)
    if (known !== undefined) return known
    const zero = { calls: 0, rateLimited: 0, failed: 0, finished: 0, brokenOff: 0, live: 0 }
    const made = { key, model, ...zero, billed: noTokens(), delivered: noTokens() }
    this.#tallies.set(at, made)
    return made
  }

  list(): readonly UsageTruth[] {
    return structuredClone([...this.#tallies.values()])
  }
}

function noTokens(): Mutable<TokenCounts> {
  return { inputTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }
}

export function addTokens(sum: Mutable<TokenCounts>, more: TokenCounts): void {
  sum.inputTokens += more.inputTokens
  sum.cachedTokens += more.cachedTokens
  sum.cacheWriteTokens += more.cacheWriteTokens
  sum.outputTokens += more.outputTokens
}
