import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Entry } from '../ledger/entry.ts'
import { stallMs } from '../ledger/reading.ts'
import { type ReplicaSignals, unknownSignals } from '../signals/replica-signals.ts'
import { StepPace } from './step-pace.ts'

/** A call at its replica, as far as it is watched. */
export interface SentCall {
  readonly entry: Entry
  /** Whether its tokens are seen as they come. */
  readonly isStream: boolean
  /** Its first token is overdue so long after its sending. */
  readonly allowedMs: number
  /** Ends the attempt; the call may go elsewhere. */
  readonly cancellation: Cancellation
}

/** A call, and what was seen of it at the last look. */
interface Watched extends SentCall {
  /** Tokens of it that have been counted. */
  counted: number
  isDecoding: boolean
  /** How long its reader had stalled, and whether it did just then. */
  stalledMs: number
  wasPaused: boolean
}

/** Turns in which a page did not come, after which it is missing. */
const missedTurns = 3

/** What a replica is seen to do. */
export class Pulse {
  readonly pace = new StepPace()
  readonly #sent = new Set<Watched>()
  #pages: ReplicaSignals = unknownSignals
  #pageMs = Number.NEGATIVE_INFINITY
  /** Between the last two pages. */
  #turnMs = Number.POSITIVE_INFINITY
  #progressMs = Number.NEGATIVE_INFINITY
  #decoding = 0

  /** When it was last seen to do anything, on the pool’s clock. */
  get progressMs(): number {
    return this.#progressMs
  }

  get sent(): ReadonlySet<SentCall> {
    return this.#sent
  }

  /** Streams that had content, and whose readers did not stall, at the last look. */
  get decoding(): number {
    return this.#decoding
  }

  add(call: SentCall): void {
    this.#sent.add({ ...call, counted: 0, isDecoding: false, stalledMs: 0, wasPaused: false })
  }

  /** Whether another replica can go on with a call that has content. */
  mayGoOn({ entry }: SentCall): boolean {
    return entry.mayGoOn?.() === true
  }

  /**
   * Whether its own words bear out that it does nothing: it counts what it generates and the count has not
   * moved since anything was seen of it, or it says nothing at all any more. Of one that never counts a
   * stream without events proves nothing: tokens may be held back.
   */
  isStill(nowMs: number): boolean {
    if (this.#pages.counters.generatedTokens === undefined) return false
    return this.#pageMs > this.#progressMs || nowMs - this.#pageMs >= missedTurns * this.#turnMs
  }

  /** Counts what has come of its calls since the last time, and lets go of those that have ended. */
  look(nowMs: number): void {
    let tokens = 0
    let unread = 0
    let hasWorked = false
    this.#decoding = 0
    for (const call of this.#sent) {
      const more = newTokens(call)
      if (more > 0) hasWorked = true
      // What comes of one whose reader stalls comes at its reader's pace, and in bursts.
      if (!hasStalled(call, nowMs)) tokens += more
      else if (call.isDecoding) unread++
      call.isDecoding = isDecoding(call)
      if (call.isDecoding) this.#decoding++
      if (call.entry.state !== 'ended') continue
      this.#sent.delete(call)
      // Of a whole answer its end is the first that is seen; one that failed has generated nothing.
      if (!call.isStream && call.entry.generated > 0) hasWorked = true
    }
    if (hasWorked) this.#progressMs = nowMs
    this.pace.withdraw(unread)
    this.pace.observe(nowMs, this.#decoding, tokens)
  }

  /** A page of it: whether it has worked since the page before. Calls that only came are no work. */
  read(page: ReplicaSignals, nowMs: number): void {
    const { running, counters } = this.#pages
    this.#pages = page
    this.#turnMs = nowMs - this.#pageMs
    this.#pageMs = nowMs
    const { computedTokens, generatedTokens } = page.counters
    const hasWorked =
      page.running > running ||
      computedTokens !== counters.computedTokens ||
      generatedTokens !== counters.generatedTokens
    if (hasWorked) this.#progressMs = nowMs
  }
}

/** Tokens held back are not seen: such a stream counts from its first content on. */
function isDecoding({ isStream, entry }: Watched): boolean {
  return isStream && entry.state === 'decode' && entry.generated > 0 && !entry.reading.isPaused
}

/** Whether the reader of a call has paused for long since the last time, or had something to catch up. */
function hasStalled(call: Watched, nowMs: number): boolean {
  const { reading } = call.entry
  const { stalledMs, wasPaused } = call
  call.stalledMs = reading.stalledMs(nowMs)
  call.wasPaused = reading.isPaused
  return wasPaused || call.stalledMs - stalledMs >= stallMs
}

function newTokens(call: Watched): number {
  const { entry, isStream } = call
  if (!isStream) return 0
  // The first one may have been seen and not yet been counted.
  const seen = Math.max(entry.generated, entry.state === 'decode' ? 1 : 0)
  const more = Math.max(0, seen - call.counted)
  call.counted += more
  return more
}
