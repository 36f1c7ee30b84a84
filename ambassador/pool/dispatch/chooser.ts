import type { Clock } from '#shared/call/clock.ts'
import { type CostTerms, costOf } from '../cost/cost.ts'
import { type PrefillRates, prefillMs } from '../cost/prefill-cost.ts'
import { SpreadPrice } from '../cost/spread-price.ts'
import type { Expectation, Ledger } from '../ledger/ledger.ts'
import type { PrefixIndex } from '../prefix/prefix-index.ts'
import { BlocksAhead } from './blocks-ahead.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import type { DispatchSettings } from './settings.ts'
import type { Work } from './work.ts'

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

/** Where a call goes. */
export interface Choice {
  /** Undefined where it waits. */
  readonly member: Member | undefined
  /** The replica of the least cost; undefined where all are kept for others. */
  readonly best: Member | undefined
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
  /** Blocks that those who wait for each replica take before whoever is looked at. */
  readonly ahead = new BlocksAhead()
  readonly #parts: ChooserParts
  readonly #spread: SpreadPrice
  /** Arrays of a wish that was given back: two outside the heap take longer to make than to fill. */
  #spare: Pick<Wish, 'found' | 'live'> | undefined

  constructor(parts: ChooserParts) {
    this.#parts = parts
    const { spreadPrice, crowdedSpreadPrice } = parts.settings
    this.#spread = new SpreadPrice({ least: spreadPrice, most: crowdedSpreadPrice })
  }

  wishOf(call: PoolCall): Wish {
    const slots = slotsOf(this.#parts.members())
    const spare = this.#spare?.found.length === slots ? this.#spare : undefined
    this.#spare = undefined
    const wish = {
      call,
      blocks: Math.ceil(call.tokens / this.#parts.blockTokens),
      found: spare?.found ?? new Int32Array(slots),
      live: spare?.live ?? new Int32Array(slots),
      matchedMs: 0,
    }
    this.match(wish)
    return wish
  }

  /** Nobody looks at the wish any more. */
  giveBack({ found, live }: Wish): void {
    this.#spare = { found, live }
  }

  /** Looks up again what each replica has of it. */
  match(wish: Wish): void {
    const { index, clock } = this.#parts
    index.match(wish.call.chain, wish.found, wish.live)
    wish.matchedMs = clock.now()
  }

  /** So many calls wait. */
  observe(waiting: number): void {
    const { clock, members } = this.#parts
    this.#spread.observe(waiting / Math.max(1, members().length), clock.now())
  }

  /**
   * The replica of the least cost where it can take the call now. Where it cannot, the cheapest of those
   * that can, unless waiting for the best one costs less: what a call has cached there is waited for long.
   */
  choose(wish: Wish, isKept: (member: Member) => boolean): Choice {
    let best: Member | undefined
    let able: Member | undefined
    let least = Number.POSITIVE_INFINITY
    let leastAble = Number.POSITIVE_INFINITY
    const nowMs = this.#parts.clock.now()
    for (const member of this.#parts.members()) {
      if (wish.call.mayServe?.(member) === false) continue
      const cost = costOf(this.terms(wish, member, nowMs))
      if ((cost >= least && cost >= leastAble) || isKept(member)) continue
      if (cost < least) {
        least = cost
        best = member
      }
      if (cost < leastAble && this.canTake(wish, member)) {
        leastAble = cost
        able = member
      }
    }
    if (best === undefined || able === undefined || able === best) return { best, member: able }
    const moreMs = leastAble - least + this.#copyMs(wish, best, able)
    return { best, member: moreMs <= this.waitMs(wish, best) ? able : undefined }
  }

  /** What is said against computing at `able` what `best` has cached, beyond its cost. */
  #copyMs(wish: Wish, best: Member, able: Member): number {
    const moreMs = this.#plainMs(wish, able) - this.#plainMs(wish, best)
    return this.#parts.settings.copyPrice * Math.max(0, moreMs)
  }

  /** How long until the replica has room for the call and for those before it, by the forecast. */
  waitMs(wish: Wish, member: Member): number {
    const steps = Math.max(this.#roomSteps(wish, member), this.#placeSteps(wish.call, member))
    return steps * member.book.pace.stepMs
  }

  /** Until there is KV room. */
  #roomSteps(wish: Wish, member: Member): number {
    const { ledger } = this.#parts
    const { slot, capacityBlocks } = member
    const needed = this.needed(wish, member) + this.ahead.of(slot)
    const forecast = ledger.forecast(slot)
    const steps = forecast.stepsUntil(needed, capacityBlocks)
    if (Number.isFinite(steps)) return steps
    // More than the whole replica: it is filled again and again, with calls that last as long as this.
    const rounds = Math.max(0, needed - capacityBlocks) / capacityBlocks
    return forecast.stepsToEnd + rounds * ledger.remaining(wish.call, 0)
  }

  /** Until there is a place among its calls and adapters, as if all calls were as long as this one. */
  #placeSteps(call: PoolCall, { book, sequencesMax }: Member): number {
    const { adapters, inFlight } = book
    const steps = this.#parts.ledger.remaining(call, 0)
    const ofCalls = inFlight < sequencesMax ? 0 : steps / inFlight
    if (adapters.hasRoomFor(call.adapter)) return ofCalls
    return Math.max(ofCalls, (adapters.fewestCalls * steps) / adapters.slots)
  }

  terms(wish: Wish, member: Member, nowMs = this.#parts.clock.now()): CostTerms {
    const { settings } = this.#parts
    const { book } = member
    const plainMs = this.#plainMs(wish, member)
    return {
      queuedMs: book.queuedMs(nowMs),
      ownMs: plainMs * book.speed.factor,
      spreadMs: plainMs * this.#spread.value,
      runningMs: settings.runningMs * book.inFlight,
      adapterMs: book.adapters.has(wish.call.adapter) ? 0 : settings.adapterLoadMs,
    }
  }

  /** What it takes of the pool, at the replica that has most of it. */
  workOf({ call, blocks, found }: Wish): Work {
    let most = 0
    for (const held of found) if (held > most) most = held
    return { blocks: blocks - most, plainMs: this.expected(call, most).plainMs }
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
    if (!book.adapters.hasRoomFor(wish.call.adapter)) return false
    return ledger.heldBlocks(slot) + this.needed(wish, member) <= capacityBlocks
  }
}
