import type { Clock } from '#shared/call/clock.ts'
import { Chooser, type ChooserParts, type Wish } from '../dispatch/chooser.ts'
import type { Member } from '../dispatch/member.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Work } from '../dispatch/work.ts'
import type { LineRates } from './line-rates.ts'
import type { StepPace } from './step-pace.ts'

/** What is thought of a call’s way to its first token, in ms from now, before what was learned corrects it. */
export interface Forecast {
  /** Until a replica has room and its turn has come; 0 where one has room. */
  readonly waitMs: number
  readonly ttftMs: number
  /** The same where nobody else is: at the replica that has most of it cached. */
  readonly aloneMs: number
  /** What it takes of the pool. */
  readonly work: Work
}

export interface ForecastParts extends Omit<ChooserParts, 'clock'> {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly line: LineRates
  readonly paceOf: (member: Member) => StepPace
}

/** A step that is under way, and the network there and back. */
export const stepMs = 30
/** Steps in which a replica frees what it holds, where the forecast of its calls sees no end to them. */
const stepsMost = 2_000

/**
 * When a call would have its first token. Where the pool has room: the prefill before it at a replica, its
 * own, and a step. Where it has none: when the calls at a replica, as long as they are expected to be,
 * leave room for it, and when those that go before it have begun, whichever is later. Of all replicas the
 * soonest.
 */
export class TtftForecast {
  readonly #parts: ForecastParts
  readonly #chooser: Chooser

  constructor(parts: ForecastParts) {
    this.#parts = parts
    this.#chooser = new Chooser(parts)
  }

  /** `aheadOf`: work that waits and goes before a call of so much. O(replicas), and a look-up of the prompt. */
  of(call: PoolCall, aheadOf: (own: Work) => Work): Forecast {
    const { clock, line, members } = this.#parts
    const wish = this.#chooser.wishOf(call)
    const work = this.#chooser.workOf(wish)
    const drainMs = line.drainMs(aheadOf(work), work, clock.now())
    let soonest = { waitMs: Number.POSITIVE_INFINITY, ttftMs: Number.POSITIVE_INFINITY }
    let aloneMs = Number.POSITIVE_INFINITY
    for (const member of members()) {
      const { queuedMs, ownMs } = this.#chooser.terms(wish, member)
      const waitMs = Math.max(drainMs, this.#roomMs(wish, member, queuedMs))
      const ttftMs = Math.max(waitMs, queuedMs) + ownMs + stepMs
      if (ttftMs < soonest.ttftMs) soonest = { waitMs, ttftMs }
      aloneMs = Math.min(aloneMs, ownMs + stepMs)
    }
    return { ...soonest, aloneMs, work }
  }

  /** Until the replica can take it, if nothing else comes. */
  #roomMs(wish: Wish, member: Member, queuedMs: number): number {
    if (this.#chooser.canTake(wish, member)) return 0
    const { ledger, settings } = this.#parts
    const { slot, book, capacityBlocks, queuedTokens } = member
    const needed = Math.min(this.#chooser.needed(wish, member), capacityBlocks)
    const steps = ledger.forecast(slot).stepsUntil(needed, capacityBlocks)
    const pace = this.#parts.paceOf(member)
    const tokenMs = pace.tokenMs(book.inFlight - book.prefills.size)
    const excess = Math.max(0, queuedTokens - settings.queuedTokensMax)
    const queueMs = queuedMs * (excess / Math.max(1, queuedTokens))
    return Math.max(Math.min(steps, stepsMost) * tokenMs, queueMs, 1)
  }
}
