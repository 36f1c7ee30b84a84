import type { Undo } from './clock.ts'

/** How much each of several parties holds of something that all share. */
export class Bulkhead {
  readonly #held = new Map<string, number>()

  /** What `party` holds. */
  heldBy(party: string): number {
    return this.#held.get(party) ?? 0
  }

  /** Gives to `party`; what it gets undoes it. The caller has seen to it that there is room. */
  take(party: string, amount: number): Undo {
    this.#held.set(party, this.heldBy(party) + amount)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = this.heldBy(party) - amount
      if (left > 0) this.#held.set(party, left)
      else this.#held.delete(party)
    }
  }
}
