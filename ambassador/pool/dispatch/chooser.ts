import type { Clock } from '#shared/call/clock.ts'
import { type CostTerms, costOf } from '../cost/cost.ts'
import { type PrefillRates, prefillMs } from '../cost/prefill-cost.ts'
import type { Expectation, Ledger } from '../ledger/ledger.ts'
import type { PrefixIndex } from '../prefix/prefix-index.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import type { DispatchSettings } from './settings.ts'

/** A call that wants a replica, with what each has of it. */
export interface Wish {
  readonly call: PoolCall
  /** Blocks of its prompt, the partial last one included. */
  readonly blocks: number
  /** Leading blocks that each slot holds. */
  readonly found: Int32Array
  /** Those of them that live calls hold: it takes no room for these. */
  readonly live: Int32Array
  /** When that was looked up. */
  matchedMs: number
}

export interface ChooserParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly settings: DispatchSettings
  readonly ledger: Ledger
  readonly index: PrefixIndex
  /** Those that take calls. */
  readonly members: () => readonly Member[]
  /** Tokens in a block of the index. */
  readonly blockTokens: number
  readonly rates: PrefillRates
}

/** As many as the members have, by steps. */
export function slotsOf(members: readonly Member[]): number {
  let slots = 64
  for (const { slot } of members) while (slot >= slots) slots *= 2
  return slots
}

/** What a call takes at a replica that has `cached` tokens of it. The last token is always computed. */
export function expectation(call: PoolCall, rates: PrefillRates, cached: number): Expectation {
  const found = Math.max(0, Math.min(cached, call.tokens - 1))
  const uncachedTokens = call.tokens - found
  return { uncachedTokens, plainMs: prefillMs(rates, uncachedTokens, found) }
}

/** What each replica would cost a call, and which can take it. */
export class Chooser {
  readonly #parts: ChooserParts

  constructor(parts: ChooserParts) {
    this.#parts = parts
  }

  wishOf(call: PoolCall): Wish {
    const slots = slotsOf(this.#parts.members())
    const wish = {
      call,
      blocks: Math.ceil(call.tokens / this.#parts.blockTokens),
      found: new Int32Array(slots),
      live: new Int32Array(slots),
      matchedMs: 0,
    }
    this.match(wish)
    return wish
  }

  /** Looks up again what each replica has of it. */
  match(wish: Wish): void {
    const { index, clock } = this.#parts
    index.match(wish.call.chain, wish.found, wish.live)
    wish.matchedMs = clock.now()
  }

  /**
   * The replica of the least cost, where it can take the call now; undefined where the call should wait
   * for it: a copy of a prefix elsewhere costs the pool more than one call loses.
   */
  choose(wish: Wish, isKept: (member: Member) => boolean): Member | undefined {
    let best: Member | undefined
    let least = Number.POSITIVE_INFINITY
    for (const member of this.#parts.members()) {
      const cost = costOf(this.terms(wish, member))
      if (cost >= least || isKept(member)) continue
      least = cost
      best = member
    }
    return best !== undefined && this.canTake(wish, best) ? best : undefined
  }

  terms(wish: Wish, member: Member): CostTerms {
    const { settings, clock } = this.#parts
    const { book } = member
    const plainMs = this.#plainMs(wish, member)
    return {
      queuedMs: book.queuedMs(clock.now()),
      ownMs: plainMs * book.speed.factor,
      spreadMs: plainMs * settings.spreadPrice,
      runningMs: settings.runningMs * book.inFlight,
      adapterMs: book.adapters.has(wish.call.adapter) ? 0 : settings.adapterLoadMs,
    }
  }

  #plainMs({ call, found }: Wish, { slot }: Member): number {
    return this.expected(call, found[slot] ?? 0).plainMs
  }

  /** What it takes where `blocks` leading blocks of it are. */
  expected(call: PoolCall, blocks: number): Expectation {
    const { rates, blockTokens } = this.#parts
    return expectation(call, rates, blocks * blockTokens)
  }

  /** Blocks the replica has to find for the call. */
  needed({ blocks, live }: Wish, { slot }: Member): number {
    return blocks - (live[slot] ?? 0)
  }

  /** Whether the replica can begin with it at once. An empty one takes anything: it will never fit better. */
  canTake(wish: Wish, member: Member): boolean {
    const { ledger, settings } = this.#parts
    const { slot, book, capacityBlocks, sequencesMax } = member
    if (book.inFlight === 0) return true
    if (book.queuedTokens >= settings.queuedTokensMax || book.inFlight >= sequencesMax) return false
    return ledger.heldBlocks(slot) + this.needed(wish, member) <= capacityBlocks
  }
}
