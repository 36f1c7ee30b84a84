import { Chooser, type ChooserParts, type Wish } from './chooser.ts'
import { KeptReplicas } from './kept-replicas.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import type { Binding, Router } from './router.ts'
import { WaitingLine } from './waiting-line.ts'

interface Waiting extends Wish {
  readonly bind: (binding: Binding) => void
  /** Own work and age: smaller goes first. */
  readonly key: number
}

/** How long what a replica has of a waiting call is believed; it is looked up again before it is sent. */
const matchMs = 200
/** Between two looks at those that wait where nothing happens: costs fall with time alone. */
const lookMs = 50

/**
 * Binds a call at once where the best replica can take it, and holds it only where it cannot. Those
 * that wait go by their own work and their age; one that does not fit never stops those behind it.
 */
export class LateBinding implements Router {
  readonly #parts: ChooserParts
  readonly #chooser: Chooser
  readonly #kept: KeptReplicas<Waiting>
  readonly #line = new WaitingLine<Waiting>()
  #isLooking = false

  constructor(parts: ChooserParts) {
    this.#parts = parts
    this.#chooser = new Chooser(parts)
    this.#kept = new KeptReplicas(parts, this.#chooser)
  }

  get waiting(): number {
    return this.#line.length
  }

  submit(call: PoolCall, bind: (binding: Binding) => void): () => void {
    const wish = this.#chooser.wishOf(call)
    this.#kept.saw(wish)
    const member = this.#choose(wish)
    if (member !== undefined) {
      this.#bind(wish, member, bind)
      return () => undefined
    }
    const waiting = { ...wish, bind, key: this.#keyOf(wish) }
    this.#line.add(waiting)
    this.#lookLater()
    return () => this.#leave(waiting)
  }

  changed(): void {
    if (this.#line.length === 0) return
    this.#placeKept()
    const { window } = this.#parts.settings
    for (let place = 0, looked = 0; looked < window; looked++) {
      const waiting = this.#line.at(place)
      if (waiting === undefined) break
      if (!this.#place(waiting)) place++
    }
    this.#kept.keepFor(this.#line)
  }

  #choose(wish: Wish): Member | undefined {
    return this.#chooser.choose(wish, (member) => this.#kept.isKeptFrom(wish, member))
  }

  /** By the replica that has most of it. The order never changes while calls wait: all age alike. */
  #keyOf({ call, found }: Wish): number {
    let most = 0
    for (const blocks of found) if (blocks > most) most = blocks
    return this.#chooser.expected(call, most).plainMs + this.#parts.settings.ageing * call.arrivedMs
  }

  /** Whether the call has left the line. */
  #place(waiting: Waiting): boolean {
    const isOld = this.#parts.clock.now() - waiting.matchedMs > matchMs
    if (isOld) this.#chooser.match(waiting)
    let member = this.#choose(waiting)
    if (member === undefined) return false
    if (!isOld) {
      this.#chooser.match(waiting)
      member = this.#choose(waiting)
      if (member === undefined) return false
    }
    this.#leave(waiting)
    this.#bind(waiting, member, waiting.bind)
    return true
  }

  #placeKept(): void {
    for (const [waiting, member] of this.#kept.ready()) {
      this.#leave(waiting)
      this.#bind(waiting, member, waiting.bind)
    }
  }

  #bind(wish: Wish, member: Member, bind: (binding: Binding) => void): void {
    const { ledger } = this.#parts
    const expected = this.#chooser.expected(wish.call, wish.found[member.slot] ?? 0)
    const priority = Math.round(this.#keyOf(wish))
    bind({ member, entry: ledger.send(wish.call, member.slot, expected), priority })
  }

  #leave(waiting: Waiting): void {
    this.#line.remove(waiting)
    this.#kept.release(waiting)
  }

  #lookLater(): void {
    if (this.#isLooking || this.#line.length === 0) return
    this.#isLooking = true
    this.#parts.clock.after(lookMs, () => {
      this.#isLooking = false
      this.changed()
      this.#lookLater()
    })
  }
}
