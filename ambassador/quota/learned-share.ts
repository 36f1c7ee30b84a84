/** A refusal takes this share of what was believed: small steps find the limit from above. */
const cutShare = 0.1
/** Back at what was refused after a minute, then beyond it, ever faster. */
const returnMs = 60_000
/** Refusals this close together are of one cause: calls that were on their way. */
const causeMs = 2_000

/**
 * Which share of a limit a provider really grants, where only its refusals tell: cut at a refusal,
 * it comes back along a cubic, flat around the point of refusal (RFC 9438 does so for congestion).
 */
export class LearnedShare {
  #peak = 1
  #cutMs = -Infinity

  /** From above 0 to 1. */
  at(nowMs: number): number {
    const elapsed = (nowMs - this.#cutMs) / returnMs
    if (elapsed > 4) return 1
    return Math.min(1, this.#peak * (1 + cutShare * (elapsed - 1) ** 3))
  }

  cut(nowMs: number): void {
    if (nowMs - this.#cutMs < causeMs) return
    this.#peak = Math.max(0.01, this.at(nowMs))
    this.#cutMs = nowMs
  }
}
