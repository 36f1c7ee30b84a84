import { AdapterMirror } from './adapter-mirror.ts'
import type { Entry } from './entry.ts'
import { KvCorrection } from './kv-correction.ts'
import { Pace } from './pace.ts'
import { Speed } from './speed.ts'

/** The work in flight at one replica. Only the ledger writes it. */
export class ReplicaBook {
  readonly entries = new Set<Entry>()
  /** Those whose first token has not come, in the order they were sent. */
  readonly prefills = new Set<Entry>()
  readonly speed = new Speed()
  readonly pace = new Pace()
  readonly correction = new KvCorrection()
  readonly adapters = new AdapterMirror()
  /** Prompt tokens of the prefills that the replica has to compute. */
  queuedTokens = 0
  /** KV blocks without a hash: last parts of prompts, and what was generated. */
  tailBlocks = 0
  /** Whether the forecast is of what is here. */
  isForecast = false
  /** What computing the prefills takes, from the start of each, at a speed of 1. */
  #queuedMs = 0
  /** The one prefill in flight that no other has met; its time is that of its own work. */
  #alone: Entry | undefined
  /** When the replica was last seen to begin or to end a prefill. */
  #progressMs = 0

  get inFlight(): number {
    return this.entries.size
  }

  /** Milliseconds of prefill before a call sent now: what runs is drained by the time since it began. */
  queuedMs(nowMs: number): number {
    const [head] = this.prefills
    if (head === undefined) return 0
    const { factor } = this.speed
    const done = Math.min(nowMs - this.#progressMs, head.plainMs * factor)
    return Math.max(0, this.#queuedMs * factor - done)
  }

  add(entry: Entry): void {
    const isIdle = this.prefills.size === 0
    if (isIdle) this.#progressMs = entry.sentMs
    this.#alone = isIdle ? entry : undefined
    this.entries.add(entry)
    this.prefills.add(entry)
    this.queuedTokens += entry.uncachedTokens
    this.#queuedMs += entry.plainMs
    this.tailBlocks += entry.tailBlocks
    this.adapters.add(entry.call.adapter)
    this.isForecast = false
  }

  /** Its first token has come. */
  firstToken(entry: Entry, nowMs: number): void {
    if (!this.prefills.has(entry)) return
    if (this.#alone === entry) this.speed.add(entry.plainMs, nowMs - entry.sentMs)
    entry.firstTokenMs = nowMs
    this.#leavePrefill(entry, nowMs)
  }

  /** Its first token should have come: that says nothing of the replica’s speed. */
  presumeFirstToken(entry: Entry, nowMs: number): void {
    if (this.prefills.has(entry)) this.#leavePrefill(entry, nowMs)
  }

  remove(entry: Entry, nowMs: number): void {
    if (this.prefills.has(entry)) this.#leavePrefill(entry, nowMs)
    const { firstTokenMs, generated } = entry
    if (firstTokenMs !== undefined) this.pace.add(generated, nowMs - firstTokenMs)
    this.entries.delete(entry)
    this.tailBlocks -= entry.tailBlocks
    this.adapters.remove(entry.call.adapter)
    this.isForecast = false
  }

  setTail(entry: Entry, blocks: number): void {
    this.tailBlocks += blocks - entry.tailBlocks
    entry.tailBlocks = blocks
    this.isForecast = false
  }

  #leavePrefill(entry: Entry, nowMs: number): void {
    this.prefills.delete(entry)
    this.queuedTokens -= entry.uncachedTokens
    // Sums of fractions: what is left of nothing is nothing.
    this.#queuedMs = this.prefills.size === 0 ? 0 : this.#queuedMs - entry.plainMs
    this.#progressMs = nowMs
  }
}
