import type { Chooser, ChooserParts, Wish } from './chooser.ts'
import type { Member } from './member.ts'
import { SizeQuantile } from './size-quantile.ts'

/** A replica that is kept for one large call. */
interface Kept {
  readonly wish: Wish
  readonly member: Member
  readonly sinceMs: number
}

/**
 * Keeps one replica of the pool for a large prompt that has waited: those that always find room would
 * overtake it for ever. While the replica drains it still takes calls that, by the forecast, end before
 * the large one fits or leave room for it (backfilling, as batch schedulers do); after a time none.
 */
export class KeptReplica {
  readonly #parts: ChooserParts
  readonly #chooser: Chooser
  readonly #sizes: SizeQuantile
  #kept: Kept | undefined

  constructor(parts: ChooserParts, chooser: Chooser) {
    this.#parts = parts
    this.#chooser = chooser
    this.#sizes = new SizeQuantile(parts.settings.largeShare)
  }

  /** A call has come: what is large is what is large among them. */
  saw({ blocks }: Wish): void {
    this.#sizes.add(blocks)
  }

  /** Whether `member` is kept for another call, which `wish` would delay. */
  isKeptFrom(wish: Wish, member: Member): boolean {
    const kept = this.#kept
    if (kept?.member !== member || kept.wish === wish) return false
    const { clock, settings } = this.#parts
    if (clock.now() - kept.sinceMs > settings.backfillMs) return true
    return this.#delays(wish, kept)
  }

  /** The replica kept for it, once it can take it. */
  readyFor(wish: Wish): Member | undefined {
    const kept = this.#kept
    if (kept === undefined || kept.wish !== wish) return undefined
    this.#chooser.match(wish)
    return this.#chooser.canTake(wish, kept.member) ? kept.member : undefined
  }

  /** The call that a replica is kept for. */
  get wish(): Wish | undefined {
    return this.#kept?.wish
  }

  /** The call is bound, or waits no longer. */
  release(wish: Wish): void {
    if (this.#kept?.wish === wish) this.#kept = undefined
  }

  /** Keeps a replica for the large call that has waited longest, where none is kept yet. */
  keepFor(waiting: Iterable<Wish>): void {
    const { clock, settings, members } = this.#parts
    if (this.#kept !== undefined || settings.largeShare === 0 || members().length < 2) return
    const before = clock.now() - settings.keepMs
    let oldest: Wish | undefined
    for (const wish of waiting) {
      const { arrivedMs } = wish.call
      if (arrivedMs > before || wish.blocks <= this.#sizes.bound) continue
      if (oldest === undefined || arrivedMs < oldest.call.arrivedMs) oldest = wish
    }
    const member = oldest === undefined ? undefined : this.#soonest(oldest)
    if (oldest === undefined || member === undefined) return
    this.#kept = { wish: oldest, member, sinceMs: clock.now() }
  }

  /** Whether the large call would fit later for this one. */
  #delays(wish: Wish, { wish: large, member }: Kept): boolean {
    const { ledger, blockTokens } = this.#parts
    const forecast = ledger.forecast(member.slot)
    const needed = this.#chooser.needed(large, member)
    const steps = forecast.stepsUntil(needed, member.capacityBlocks)
    if (ledger.remaining(wish.call, 0) < steps) return false
    const own = this.#chooser.needed(wish, member) + steps / blockTokens
    return forecast.heldAfter(steps) + needed + own > member.capacityBlocks
  }

  /** The replica in which it would fit first. */
  #soonest(wish: Wish): Member | undefined {
    const { members, ledger } = this.#parts
    let soonest: Member | undefined
    let least = Number.POSITIVE_INFINITY
    for (const member of members()) {
      const needed = this.#chooser.needed(wish, member)
      const steps = ledger.forecast(member.slot).stepsUntil(needed, member.capacityBlocks)
      if (soonest !== undefined && steps >= least) continue
      soonest = member
      least = steps
    }
    return soonest
  }
}
