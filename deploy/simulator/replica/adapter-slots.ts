interface Slot {
  running: number
  /** Number of the last use: the smallest among the idle ones goes first. */
  used: number
}

/**
 * LoRA adapters on one GPU: those of running calls hold a slot, others keep theirs until it is
 * needed, the one used longest ago first. Without a number of slots every adapter has one.
 */
export class AdapterSlots {
  readonly #slotsMax: number | undefined
  readonly #slots = new Map<string, Slot>()
  #uses = 0

  constructor(slotsMax: number | undefined) {
    this.#slotsMax = slotsMax
  }

  /** Adapters of running calls. */
  get running(): readonly string[] {
    return [...this.#slots].filter(([, { running }]) => running > 0).map(([name]) => name)
  }

  /** Whether a call of `adapter` could run: it has a slot, or one is free or idle. */
  hasRoom(adapter: string): boolean {
    if (adapter === '' || this.#slotsMax === undefined) return true
    if (this.#slots.has(adapter) || this.#slots.size < this.#slotsMax) return true
    return this.#idle() !== undefined
  }

  /** A call of `adapter` runs; gives whether it had to be loaded. */
  enter(adapter: string): boolean {
    if (adapter === '' || this.#slotsMax === undefined) return false
    this.#uses += 1
    const slot = this.#slots.get(adapter)
    if (slot !== undefined) {
      slot.running += 1
      slot.used = this.#uses
      return false
    }
    const idle = this.#slots.size < this.#slotsMax ? undefined : this.#idle()
    if (idle !== undefined) this.#slots.delete(idle)
    this.#slots.set(adapter, { running: 1, used: this.#uses })
    return true
  }

  leave(adapter: string): void {
    const slot = this.#slots.get(adapter)
    if (slot !== undefined) slot.running -= 1
  }

  clear(): void {
    this.#slots.clear()
  }

  #idle(): string | undefined {
    let oldest: string | undefined
    let used = Number.POSITIVE_INFINITY
    for (const [name, slot] of this.#slots) {
      if (slot.running > 0 || slot.used >= used) continue
      oldest = name
      used = slot.used
    }
    return oldest
  }
}
