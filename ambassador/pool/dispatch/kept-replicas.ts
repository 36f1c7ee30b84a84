import type { Chooser, ChooserParts, Wish } from './chooser.ts'
import type { Member } from './member.ts'
import { SizeQuantile } from './size-quantile.ts'

/** A replica that is kept for one large call. */
interface Kept<Large extends Wish> {
  readonly wish: Large
  readonly member: Member
  readonly sinceMs: number
}

/** Replicas of which one may be kept at a time. */
const membersPerKept = 4

/**
 * Keeps replicas for large prompts that have waited: those that always find room would overtake them for
 * ever. While a replica drains it still takes calls that, by the forecast, end before the large one
 * fits or leave room for it (backfilling, as batch schedulers do); after a time none.
 */
export class KeptReplicas<Large extends Wish> {
  readonly #parts: ChooserParts
  readonly #chooser: Chooser
  readonly #sizes: SizeQuantile
  /** By its replica. */
  readonly #kept = new Map<Member, Kept<Large>>()

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
    const kept = this.#kept.get(member)
    if (kept === undefined || kept.wish.call === wish.call) return false
    const { clock, settings } = this.#parts
    if (clock.now() - kept.sinceMs > settings.backfillMs) return true
    return this.#delays(wish, kept)
  }

  /** Large calls that the replicas kept for them can take. */
  ready(): readonly (readonly [Large, Member])[] {
    const ready: [Large, Member][] = []
    for (const { wish, member } of this.#kept.values()) {
      this.#chooser.match(wish)
      if (this.#chooser.canTake(wish, member)) ready.push([wish, member])
    }
    return ready
  }

  /** The call is bound, or waits no longer. */
  release(wish: Large): void {
    for (const kept of this.#kept.values()) if (kept.wish === wish) this.#kept.delete(kept.member)
  }

  /** Keeps replicas for the large calls that have waited longest, as far as they may be kept. */
  keepFor(waiting: Iterable<Large>): void {
    const { settings, members } = this.#parts
    const all = members()
    this.#forget(all)
    const keptMax = all.length < 2 ? 0 : Math.ceil(all.length / membersPerKept)
    if (settings.largeShare === 0 || this.#kept.size >= keptMax) return
    const large = this.#largeOf(waiting).toSorted(
      (one, other) => one.call.arrivedMs - other.call.arrivedMs,
    )
    for (const wish of large.slice(0, keptMax - this.#kept.size)) {
      const member = this.#soonest(wish)
      if (member !== undefined) {
        this.#kept.set(member, { wish, member, sinceMs: this.#parts.clock.now() })
      }
    }
  }

  /** Large calls that have waited long enough and have no replica kept for them. */
  #largeOf(waiting: Iterable<Large>): Large[] {
    const { clock, settings } = this.#parts
    const before = clock.now() - settings.keepMs
    const served = new Set(Array.from(this.#kept.values(), ({ wish }) => wish))
    return Array.from(waiting).filter(
      (wish) =>
        wish.blocks > this.#sizes.bound && wish.call.arrivedMs <= before && !served.has(wish),
    )
  }

  /** Replicas that take no more calls are kept for nobody. */
  #forget(members: readonly Member[]): void {
    for (const member of this.#kept.keys()) if (!members.includes(member)) this.#kept.delete(member)
  }

  /** Whether the large call would fit later for this one. */
  #delays(wish: Wish, { wish: large, member }: Kept<Large>): boolean {
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
      if (this.#kept.has(member) || wish.call.mayServe?.(member) === false) continue
      const needed = this.#chooser.needed(wish, member)
      const steps = ledger.forecast(member.slot).stepsUntil(needed, member.capacityBlocks)
      if (soonest !== undefined && steps >= least) continue
      soonest = member
      least = steps
    }
    return soonest
  }
}
