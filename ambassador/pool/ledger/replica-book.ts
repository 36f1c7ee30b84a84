import type { Entry } from './entry.ts'

/** The work in flight at one replica. Only the ledger writes it. */
export class ReplicaBook {
  /** In the order they were sent; those that wait for their first token come first in no order. */
  readonly entries = new Set<Entry>()
  /** Calls sent whose first token has not come, in the order they were sent. */
  readonly prefills = new Set<Entry>()
  /** Prompt tokens of those that the replica has to compute. */
  queuedTokens = 0
  /** What computing them takes, from the start of each. */
  #queuedMs = 0
  /** When the replica was last seen to begin or to end a prefill. */
  #progressMs = 0
  tailBlocks = 0
  /** Whether the forecast is of what is here. */
  isForecast = false

  get inFlight(): number {
    return this.entries.size
  }

  /** Calls that generate. */
  get decoding(): number {
    return this.entries.size - this.prefills.size
  }

  /** Milliseconds of prefill that stand before a call sent now: what is running is drained by the time since. */
  queuedMs(nowMs: number): number {
    const [head] = this.prefills
    if (head === undefined) return 0
    return Math.max(0, this.#queuedMs - Math.min(nowMs - this.#progressMs, head.ownMs))
  }

  add(entry: Entry): void {
    this.isForecast = false
    if (this.prefills.size === 0) this.#progressMs = entry.sentMs
    this.entries.add(entry)
    this.prefills.add(entry)
    this.queuedTokens += entry.uncachedTokens
    this.#queuedMs += entry.ownMs
    this.tailBlocks += entry.tailBlocks
  }

  /** Its first token has come, or it has ended without one. */
  leavePrefill(entry: Entry, nowMs: number): void {
    if (!this.prefills.delete(entry)) return
    this.queuedTokens -= entry.uncachedTokens
    this.#queuedMs = this.prefills.size === 0 ? 0 : this.#queuedMs - entry.ownMs
    this.#progressMs = nowMs
  }

  remove(entry: Entry): void {
    this.isForecast = false
    this.entries.delete(entry)
    this.tailBlocks -= entry.tailBlocks
  }

  setTail(entry: Entry, blocks: number): void {
    this.isForecast = false
    this.tailBlocks += blocks - entry.tailBlocks
    entry.tailBlocks = blocks
  }
}
