import type { LimitFact } from './headers.ts'

const dayMs = 86_400_000
/** A limit that was told so long ago may have been raised: only a call that is sent can show it. */
const believedMs = 600_000

/** The lesser of what is configured and what the provider says, and the time it is said for. */
export class RateLimit {
  #configured: number | undefined
  #told: number | undefined
  #toldMs = -Infinity
  #windowMs: number
  #share = 1

  constructor(windowMs: number, configured: number | undefined) {
    this.#windowMs = windowMs
    this.#configured = configured
  }

  get perWindow(): number | undefined {
    if (this.#told === undefined && this.#configured === undefined) return undefined
    return Math.min(this.#configured ?? Infinity, this.#told ?? Infinity) * this.#share
  }

  /**
   * What the provider lets in of one call at most, whatever is left: what it told of late, else what is
   * configured. Infinity where that is not known.
   */
  most(nowMs: number): number {
    if (this.#told === undefined) return this.#configured ?? Infinity
    return nowMs - this.#toldMs < believedMs ? this.#told : Infinity
  }

  get ratePerMs(): number | undefined {
    const { perWindow } = this
    return perWindow === undefined ? undefined : perWindow / this.#windowMs
  }

  /** Configured to use a part of the account: its remainder is then no statement about ours. */
  get isBelowAccount(): boolean {
    return this.#share < 1 || (this.#configured ?? Infinity) < (this.#told ?? 0) * 0.999
  }

  /** Per window; undefined where it is learned. */
  set configured(configured: number | undefined) {
    this.#configured = configured
  }

  get share(): number {
    return this.#share
  }

  /** Of the account, above 0 to 1: what this process may use. */
  set share(share: number) {
    this.#share = share
  }

  /** Whether the limit is another than before. */
  learn({ limit, remaining, resetMs }: LimitFact, nowMs: number): boolean {
    const before = this.ratePerMs
    if (limit !== undefined) {
      this.#told = limit
      this.#toldMs = nowMs
    }
    if (limit !== undefined && remaining !== undefined && resetMs !== undefined) {
      this.#learnDay(limit - remaining, resetMs, limit)
    }
    return this.ratePerMs !== before
  }

  /** The same header tells of the day on some accounts: then a full refill takes that long. */
  #learnDay(used: number, resetMs: number, limit: number): void {
    if (resetMs < 1.5 * this.#windowMs || used <= 0) return
    const fullMs = (resetMs * limit) / used
    if (fullMs > dayMs / 2 && fullMs < dayMs * 2) this.#windowMs = dayMs
  }
}
