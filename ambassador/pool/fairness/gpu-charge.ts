import type { PrefillRates } from '../cost/prefill-cost.ts'
import type { Member } from '../dispatch/member.ts'
import type { Entry } from '../ledger/entry.ts'
import { type GpuCost, gpuCost, type Work } from './gpu-cost.ts'

interface ChargeParts {
  readonly entry: Entry
  readonly member: Member
  readonly rates: PrefillRates
  /** Tokens that it is expected to generate. */
  readonly generates: number
  /** Takes so many milliseconds of a replica's time more, or gives them back. */
  readonly correct: (ms: number) => void
}

/** What a call in flight is charged; it is set right when it has ended, once. */
export class GpuCharge {
  readonly #parts: ChargeParts
  readonly #expected: GpuCost
  /** Part of the prompt that the replica had cached, as it said, 0 to 1. */
  #cachedShare: number | undefined
  #isSettled = false

  /** The call is in its replica's book already. */
  constructor(parts: ChargeParts) {
    this.#parts = parts
    const { entry, generates } = parts
    this.#expected = this.#costOf({
      prompt: entry.call.tokens,
      cached: entry.call.tokens - entry.uncachedTokens,
      generated: generates,
    })
  }

  /** What is to be charged when it is sent. */
  get expectedMs(): number {
    return this.#expected.prefillMs + this.#expected.decodeMs
  }

  /** What the replica said; its tokens need not be those that the prompt was counted in. */
  found(cachedTokens: number, promptTokens: number): void {
    this.#cachedShare = Math.min(1, cachedTokens / Math.max(1, promptTokens))
  }

  /**
   * It has ended, in whichever way. Of one that generated nothing the prefill counts as far as it was
   * there: a replica that refuses has computed nothing.
   */
  settle(nowMs: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { entry, correct } = this.#parts
    correct(this.#actualMs(nowMs - entry.sentMs) - this.expectedMs)
  }

  #actualMs(presentMs: number): number {
    const { entry } = this.#parts
    const { tokens } = entry.call
    const cached = this.#cachedShare === undefined ? undefined : this.#cachedShare * tokens
    const cost = this.#costOf({
      prompt: tokens,
      cached: Math.min(tokens - 1, cached ?? tokens - entry.uncachedTokens),
      generated: entry.generated,
    })
    if (cost.decodeMs === 0) return Math.min(cost.prefillMs, presentMs)
    return cost.prefillMs + cost.decodeMs
  }

  #costOf(work: Work): GpuCost {
    const { member, rates } = this.#parts
    const inFlight = Math.max(1, member.book.inFlight)
    return gpuCost(work, { rates, inFlight, slowness: member.book.speed.factor })
  }
}
