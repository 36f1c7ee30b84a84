/** Adapters in memory where a replica does not say how many: vLLM's default for `max_loras`. */
const slotsDefault = 1

/**
 * Which adapters a replica has loaded, from our own sends: the one not used longest gives way, and none
 * that a call runs with.
 */
export class AdapterMirror {
  slots = slotsDefault
  /** Live calls by adapter, the least recently used first. */
  readonly #live = new Map<string, number>()

  has(adapter: string): boolean {
    return adapter === '' || this.#live.has(adapter)
  }

  /** Whether a call with it could run at once: it is there, or there is a place that no call runs in. */
  hasRoomFor(adapter: string): boolean {
    if (this.has(adapter) || this.#live.size < this.slots) return true
    return this.fewestCalls === 0
  }

  /** Live calls of the adapter that has fewest. */
  get fewestCalls(): number {
    let fewest = Number.POSITIVE_INFINITY
    for (const calls of this.#live.values()) if (calls < fewest) fewest = calls
    return Number.isFinite(fewest) ? fewest : 0
  }

  add(adapter: string): void {
    if (adapter === '') return
    const calls = this.#live.get(adapter) ?? 0
    this.#live.delete(adapter)
    this.#live.set(adapter, calls + 1)
    this.#makeRoom()
  }

  remove(adapter: string): void {
    const calls = this.#live.get(adapter)
    if (calls !== undefined) this.#live.set(adapter, Math.max(0, calls - 1))
    this.#makeRoom()
  }

  /** More than fit stay only while calls run with them. */
  #makeRoom(): void {
    for (const [adapter, calls] of this.#live) {
      if (this.#live.size <= this.slots) return
      if (calls === 0) this.#live.delete(adapter)
    }
  }
}
