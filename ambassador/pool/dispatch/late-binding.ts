import type { Clock } from '#shared/call/clock.ts'
import { prefillMs, type PrefillRates } from '../cost/prefill-cost.ts'
import type { Expectation, Ledger } from '../ledger/ledger.ts'
import type { PrefixIndex } from '../prefix/prefix-index.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import type { Binding, Router } from './router.ts'
import type { DispatchSettings } from './settings.ts'
import { SizeQuantile } from './size-quantile.ts'

interface LateBindingParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly settings: DispatchSettings
  readonly ledger: Ledger
  readonly index: PrefixIndex
  /** Those that take calls. */
  readonly members: () => readonly Member[]
  /** Tokens in a block of the index. */
  readonly blockTokens: number
}

/** A call that is looked at, with what each replica has of it. */
interface Wish {
  readonly call: PoolCall
  /** Blocks of its prompt. */
  readonly blocks: number
  /** Leading blocks that each slot holds, and those of them that live calls hold. */
  readonly found: Int32Array
  readonly live: Int32Array
  matchedMs: number
}

interface Waiting extends Wish {
  readonly bind: (binding: Binding) => void
  /** Smaller goes first. */
  readonly key: number
}

/** How long what a replica has of a waiting call is believed; it is looked up again before it is sent. */
const matchMs = 200

/** Between two looks at the calls that wait where nothing happens. */
const lookMs = 50

/** What a call takes at a replica that has `cached` tokens of it. The last token is always computed. */
export function expectation(call: PoolCall, rates: PrefillRates, cached: number): Expectation {
  const found = Math.max(0, Math.min(cached, call.tokens - 1))
  const uncachedTokens = call.tokens - found
  return { uncachedTokens, ownMs: prefillMs(rates, uncachedTokens, found) }
}

/**
 * Binds a call at once where the best replica can take it, and holds it only where it cannot. Those
 * that wait go by their own work and their age; one that does not fit never stops those behind it.
 */
export class LateBinding implements Router {
  readonly #parts: LateBindingParts
  /** By key. */
  readonly #queue: Waiting[] = []
  /** A replica that takes nothing but one large call, which has waited. */
  #earmark: { readonly waiting: Waiting; readonly member: Member; readonly sinceMs: number } | undefined
  #isLooking = false
  readonly #fresh = { found: new Int32Array(64), live: new Int32Array(64) }

  readonly #sizes: SizeQuantile

  constructor(parts: LateBindingParts) {
    this.#parts = parts
    this.#sizes = new SizeQuantile(parts.settings.largeShare)
  }

  get waiting(): number {
    return this.#queue.length
  }

  submit(call: PoolCall, bind: (binding: Binding) => void): () => void {
    const wish = this.#wishOf(call, this.#fresh)
    this.#sizes.add(wish.blocks)
    const best = this.#best(wish)
    if (this.#mayTake(wish, best)) {
      this.#bind(wish, best, bind)
      return () => undefined
    }
    const waiting: Waiting = {
      ...wish,
      found: wish.found.slice(),
      live: wish.live.slice(),
      bind,
      key: this.#ownMs(wish, best) + this.#parts.settings.ageing * call.arrivedMs,
    }
    this.#insert(waiting)
    this.#lookLater()
    return () => this.#remove(waiting)
  }

  /** Costs fall with time alone, too. */
  #lookLater(): void {
    if (this.#queue.length === 0 || this.#isLooking) return
    this.#isLooking = true
    this.#parts.clock.after(lookMs, () => {
      this.#isLooking = false
      this.changed()
      this.#lookLater()
    })
  }

  changed(): void {
    if (this.#queue.length === 0) return
    this.#placeEarmarked()
    const { window } = this.#parts.settings
    for (let at = 0, looked = 0; at < this.#queue.length && looked < window; looked++) {
      const waiting = this.#queue[at]
      if (waiting === undefined) return
      if (this.#place(waiting)) this.#remove(waiting)
      else at++
    }
    this.#setEarmark()
  }

  #place(waiting: Waiting): boolean {
    if (!this.#mayTake(waiting, this.#bestLately(waiting))) return false
    this.#match(waiting)
    const best = this.#best(waiting)
    if (!this.#mayTake(waiting, best)) return false
    this.#bind(waiting, best, waiting.bind)
    return true
  }

  #bestLately(waiting: Waiting): Member {
    if (this.#parts.clock.now() - waiting.matchedMs > matchMs) this.#match(waiting)
    return this.#best(waiting)
  }

  #bind({ call, found }: Wish, member: Member, bind: (binding: Binding) => void): void {
    const { ledger, blockTokens } = this.#parts
    const cached = (found[member.slot] ?? 0) * blockTokens
    const entry = ledger.send(call, member.slot, expectation(call, member.rates, cached))
    bind({ member, entry, priority: undefined })
  }

  #wishOf(call: PoolCall, into: Pick<Wish, 'found' | 'live'>): Wish {
    const blocks = Math.ceil(call.tokens / this.#parts.blockTokens)
    const wish = { call, blocks, ...into, matchedMs: 0 }
    this.#match(wish)
    return wish
  }

  #match(wish: Wish): void {
    this.#parts.index.match(wish.call.chain, wish.found, wish.live)
    wish.matchedMs = this.#parts.clock.now()
  }

  #ownMs({ call, found }: Wish, { slot, rates }: Member): number {
    const cached = Math.min((found[slot] ?? 0) * this.#parts.blockTokens, call.tokens - 1)
    return prefillMs(rates, call.tokens - cached, cached)
  }

  /** The replica of the least cost, whether it can take the call or not. */
  #best(wish: Wish): Member {
    const { settings, members, clock } = this.#parts
    const nowMs = clock.now()
    let best: Member | undefined
    let leastMs = Number.POSITIVE_INFINITY
    for (const member of members()) {
      if (this.#isKept(member, wish)) continue
      const { book } = member
      const costMs =
        book.queuedMs(nowMs) +
        this.#ownMs(wish, member) * (1 + settings.spreadPrice) +
        settings.runningMs * book.inFlight
      if (costMs >= leastMs) continue
      leastMs = costMs
      best = member
    }
    if (best === undefined) throw new Error('no member')
    return best
  }

  #mayTake(wish: Wish, member: Member): boolean {
    return !this.#isKept(member, wish) && this.#fits(wish, member)
  }

  /** Whether it is kept for another call, which this one would delay. */
  #isKept(member: Member, wish: Wish): boolean {
    const earmark = this.#earmark
    if (earmark?.member !== member || earmark.waiting.call === wish.call) return false
    const { clock, settings } = this.#parts
    if (clock.now() - earmark.sinceMs > settings.hardMs) return true
    const { slot, capacityBlocks } = member
    const { ledger, blockTokens } = this.#parts
    const forecast = ledger.forecast(slot)
    const large = earmark.waiting.blocks - (earmark.waiting.live[slot] ?? 0)
    const steps = forecast.stepsUntil(large, capacityBlocks)
    const length = ledger.remaining(wish.call, 0)
    if (length < steps) return false
    const own = wish.blocks - (wish.live[slot] ?? 0) + steps / blockTokens
    return forecast.heldAfter(steps) + large + own > capacityBlocks
  }

  #fits({ call, blocks, live }: Wish, { slot, book, capacityBlocks, sequencesMax }: Member): boolean {
    const { ledger, settings } = this.#parts
    if (book.inFlight === 0) return true
    if (book.queuedTokens >= settings.queuedTokensMax || book.inFlight >= sequencesMax) return false
    const needed = blocks - (live[slot] ?? 0)
    if (ledger.heldBlocks(slot) + needed > capacityBlocks) return false
    if (settings.growth === 0) return true
    return ledger.forecast(slot).peakWith(needed, ledger.remaining(call, 0)) <= capacityBlocks
  }

  #placeEarmarked(): void {
    const earmark = this.#earmark
    if (earmark === undefined) return
    this.#match(earmark.waiting)
    if (!this.#fits(earmark.waiting, earmark.member)) return
    this.#remove(earmark.waiting)
    this.#bind(earmark.waiting, earmark.member, earmark.waiting.bind)
  }

  #setEarmark(): void {
    const { settings, clock, members } = this.#parts
    if (this.#earmark !== undefined || members().length < 2) return
    if (settings.earmarkMs === Number.POSITIVE_INFINITY) return
    const before = clock.now() - settings.earmarkMs
    let oldest: Waiting | undefined
    for (const waiting of this.#queue) {
      const { arrivedMs } = waiting.call
      if (arrivedMs > before || waiting.blocks < this.#sizes.bound) continue
      if (oldest === undefined || arrivedMs < oldest.call.arrivedMs) oldest = waiting
    }
    if (oldest !== undefined) this.#earmark = { waiting: oldest, member: this.#soonest(oldest), sinceMs: clock.now() }
  }

  /** The replica in which it will find room first. */
  #soonest(waiting: Waiting): Member {
    const { members, ledger } = this.#parts
    let soonest: Member | undefined
    let least = Number.POSITIVE_INFINITY
    for (const member of members()) {
      const { slot, capacityBlocks } = member
      const needed = waiting.blocks - (waiting.live[slot] ?? 0)
      const steps = ledger.forecast(slot).stepsUntil(needed, capacityBlocks)
      if (soonest !== undefined && steps >= least) continue
      soonest = member
      least = steps
    }
    if (soonest === undefined) throw new Error('no member')
    return soonest
  }

  #insert(waiting: Waiting): void {
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#queue[middle]?.key ?? 0) <= waiting.key) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, waiting)
  }

  #remove(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting)
    if (at >= 0) this.#queue.splice(at, 1)
    if (this.#earmark?.waiting === waiting) this.#earmark = undefined
  }
}
