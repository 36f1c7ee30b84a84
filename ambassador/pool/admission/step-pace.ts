/** Between two measurements: several steps of every call. */
const windowMs = 500
/** Measurements after which what was seen before counts half. */
const halfLife = 20
/** Tokens of a measurement that counts once. */
const usualTokens = 200
/** Until enough is seen: a step of 10 ms, and 1 ms more with each call. */
const assumed = { baseMs: 10, callMs: 1, weight: 2, calls: [4, 32] } as const

/**
 * What a token takes at one replica, by how many calls it generates for: a decaying regression of the
 * time per token on the calls that run.
 */
export class StepPace {
  #atMs = Number.NEGATIVE_INFINITY
  #beganMs = 0
  #decoding = 0
  /** Of all calls together since the window began. */
  #callMs = 0
  #tokens = 0
  #weight = 0
  #x = 0
  #y = 0
  #xx = 0
  #xy = 0

  constructor() {
    const { baseMs, callMs, weight, calls } = assumed
    for (const count of calls) this.#take(count, baseMs + callMs * count, weight)
  }

  /** So many of those that generated since the last time were not read: they say nothing of the pace. */
  withdraw(calls: number): void {
    this.#decoding -= calls
  }

  /** From here on `decoding` calls generate; `tokens` came since the last time. */
  observe(nowMs: number, decoding: number, tokens: number): void {
    if (this.#atMs === Number.NEGATIVE_INFINITY) this.#begin(nowMs)
    this.#callMs += this.#decoding * (nowMs - this.#atMs)
    this.#tokens += tokens
    this.#atMs = nowMs
    this.#decoding = decoding
    const spanMs = nowMs - this.#beganMs
    if (spanMs < windowMs) return
    if (this.#tokens > 0 && this.#callMs > 0) {
      this.#fade()
      // By tokens: a pause for a long prefill counts for as many as came beside it.
      this.#take(this.#callMs / spanMs, this.#callMs / this.#tokens, this.#tokens / usualTokens)
    }
    this.#begin(nowMs)
  }

  /** Milliseconds for a token of each call where so many generate, at least 1. */
  tokenMs(calls: number): number {
    const { meanCalls, meanMs, slope } = this.#line()
    return Math.max(1, meanMs + slope * (calls - meanCalls))
  }

  /** How many may generate for each of them to get a token in `tokenMs`; at least 1. */
  callsWithin(tokenMs: number): number {
    const { meanCalls, meanMs, slope } = this.#line()
    if (slope > 0) return Math.max(1, Math.floor(meanCalls + (tokenMs - meanMs) / slope))
    return meanMs <= tokenMs ? Number.POSITIVE_INFINITY : 1
  }

  #line(): { readonly meanCalls: number; readonly meanMs: number; readonly slope: number } {
    const meanCalls = this.#x / this.#weight
    const meanMs = this.#y / this.#weight
    const variance = this.#xx / this.#weight - meanCalls * meanCalls
    const covariance = this.#xy / this.#weight - meanCalls * meanMs
    // Measurements at one number of calls say nothing of others.
    return { meanCalls, meanMs, slope: variance < 1 ? 0 : Math.max(0, covariance / variance) }
  }

  #begin(nowMs: number): void {
    this.#atMs = nowMs
    this.#beganMs = nowMs
    this.#callMs = 0
    this.#tokens = 0
  }

  #fade(): void {
    const keep = 0.5 ** (1 / halfLife)
    this.#weight *= keep
    this.#x *= keep
    this.#y *= keep
    this.#xx *= keep
    this.#xy *= keep
  }

  #take(x: number, y: number, weight: number): void {
    this.#weight += weight
    this.#x += weight * x
    this.#y += weight * y
    this.#xx += weight * x * x
    this.#xy += weight * x * y
  }
}
