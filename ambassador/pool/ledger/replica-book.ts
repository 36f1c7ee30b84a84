import { AdapterMirror } from './adapter-mirror.ts'
import type { Entry } from './entry.ts'
import { KvCorrection } from './kv-correction.ts'
import { Pace } from './pace.ts'
import { Speed } from './speed.ts'

/** Of the time of an answer that tells the pace: within what one answer differs from the next. */
const stalledShareMax = 0.1

/** The work in flight at one replica. Only the ledger writes it. */
export class ReplicaBook {
  readonly entries = new Set<Entry>()
  /** Those whose first token has not come, in the order they were sent. */
  readonly prefills = new Set<Entry>()
  readonly speed = new Speed()
  readonly pace = new Pace()
  readonly correction = new KvCorrection()
  readonly adapters = new AdapterMirror()
  /** Calls: as many as entries, and nearer at hand for choices that ask every replica. */
  inFlight = 0
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
  /** The first of the prefills: every choice asks every replica for it. */
  #head: Entry | undefined
  /** When the replica was last seen to begin or to end a prefill. */
  #progressMs = 0

  /** Milliseconds of prefill before a call sent now: what runs is drained by the time since it began. */
  queuedMs(nowMs: number): number {
    const head = this.#head
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
    this.inFlight = this.entries.size
    this.#enterPrefill(entry)
    this.tailBlocks += entry.tailBlocks
    this.adapters.add(entry.call.adapter)
    this.isForecast = false
  }

  /** It does not go out yet: nothing of it is queued. */
  putOff(entry: Entry): void {
    if (!this.prefills.has(entry)) return
    const head = this.#head
    const progressMs = this.#progressMs
    this.#leavePrefill(entry, entry.sentMs)
    // Whatever runs there goes on as before.
    if (head !== entry) this.#progressMs = progressMs
    if (this.#alone === entry) this.#alone = undefined
  }

  /** A call that was put off goes out, behind all that went before. */
  goesOut(entry: Entry): void {
    if (this.prefills.size === 0) this.#progressMs = entry.sentMs
    this.#alone = undefined
    this.#enterPrefill(entry)
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
    this.#learnPace(entry, nowMs)
    this.entries.delete(entry)
    this.inFlight = this.entries.size
    this.tailBlocks -= entry.tailBlocks
    this.adapters.remove(entry.call.adapter)
    this.isForecast = false
  }

  setTail(entry: Entry, blocks: number): void {
    this.tailBlocks += blocks - entry.tailBlocks
    entry.tailBlocks = blocks
    this.isForecast = false
  }

  /**
   * From the first token on; where nobody has counted those that were held back before the first content,
   * from there. An answer whose reader stalled tells the pace of its reader.
   */
  #learnPace(
    { firstTokenMs, contentMs, generated, isCounted, reading }: Entry,
    nowMs: number,
  ): void {
    if (firstTokenMs === undefined) return
    const fromMs = isCounted ? firstTokenMs : (contentMs ?? firstTokenMs)
    const spanMs = nowMs - fromMs
    if (reading.stalledMs(nowMs) <= stalledShareMax * spanMs) this.pace.add(generated, spanMs)
  }

  #enterPrefill(entry: Entry): void {
    this.prefills.add(entry)
    this.#head ??= entry
    this.queuedTokens += entry.uncachedTokens
    this.#queuedMs += entry.plainMs
  }

  #leavePrefill(entry: Entry, nowMs: number): void {
    this.prefills.delete(entry)
    if (this.#head === entry) [this.#head] = this.prefills
    this.queuedTokens -= entry.uncachedTokens
    // Sums of fractions: what is left of nothing is nothing.
    this.#queuedMs = this.prefills.size === 0 ? 0 : this.#queuedMs - entry.plainMs
    this.#progressMs = nowMs
  }
}
