import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Entry } from '../ledger/entry.ts'
import { type ReplicaSignals, unknownSignals } from '../signals/replica-signals.ts'
import { StepPace } from './step-pace.ts'

/** A call at its replica, as far as it is watched. */
export interface SentCall {
  readonly entry: Entry
  /** Whether its tokens are seen as they come. */
  readonly isStream: boolean
  /** Its first token is overdue when it has not come by then, on the pool’s clock. */
  readonly overdueMs: number
  /** Ends the attempt; the call may go elsewhere. */
  readonly cancellation: Cancellation
  /** Tokens of it that have been counted. */
  counted: number
}

/** What a replica is seen to do. */
export class Pulse {
  readonly pace = new StepPace()
  readonly #sent = new Set<SentCall>()
  #pages: ReplicaSignals = unknownSignals
  #progressMs = Number.NEGATIVE_INFINITY

  /** When it was last seen to do anything, on the pool’s clock. */
  get progressMs(): number {
    return this.#progressMs
  }

  get sent(): ReadonlySet<SentCall> {
    return this.#sent
  }

  add(call: SentCall): void {
    this.#sent.add(call)
  }

  /** Counts what has come of its calls since the last time, and lets go of those that have ended. */
  look(nowMs: number): void {
    let tokens = 0
    let decoding = 0
    for (const call of this.#sent) {
      const { entry, isStream } = call
      if (isStream) tokens += this.#newTokens(call)
      if (isStream && entry.state === 'decode') decoding++
      if (entry.state !== 'ended') continue
      this.#sent.delete(call)
      // Of a whole answer its end is the first that is seen; one that failed has generated nothing.
      if (!isStream && entry.generated > 0) this.#progressMs = nowMs
    }
    if (tokens > 0) this.#progressMs = nowMs
    this.pace.observe(nowMs, decoding, tokens)
  }

  /** A page of it: whether it has worked since the page before. Calls that only came are no work. */
  read(page: ReplicaSignals, nowMs: number): void {
    const { running, counters } = this.#pages
    this.#pages = page
    const { computedTokens, generatedTokens } = page.counters
    const hasWorked =
      page.running > running ||
      computedTokens !== counters.computedTokens ||
      generatedTokens !== counters.generatedTokens
    if (hasWorked) this.#progressMs = nowMs
  }

  #newTokens(call: SentCall): number {
    const { entry } = call
    // The first one may have been seen and not yet been counted.
    const seen = Math.max(entry.generated, entry.state === 'decode' ? 1 : 0)
    const more = Math.max(0, seen - call.counted)
    call.counted += more
    return more
  }
}
