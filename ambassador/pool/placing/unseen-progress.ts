import type { Clock, Undo } from '#shared/call/clock.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Ledger } from '../ledger/ledger.ts'

interface UnseenParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly ledger: Ledger
  readonly entry: Entry
  /** Milliseconds between two tokens of one call at the replica, as it is at the time. */
  readonly tokenMs: () => number
  /** Its prefill should be over. */
  readonly onFirstToken: () => void
  /** It has ended without a word on its length: what was thought of it is about to be dropped. */
  readonly onUnknown: () => void
}

/** Between two looks while a call before it has no first token yet: a step, about. */
const againMs = 50
/** Between two counts: some 16 tokens at a usual pace, a block of vLLM’s. */
const countMs = 500

/**
 * How an answer that is not streamed comes along: nobody sees it before its end, but its prefill takes
 * as long as the forecast says, after all that was sent before it, and then it grows at the pace of the
 * replica. Without this a whole answer would count as work that has not begun, and as no room taken,
 * until it ends.
 */
export class UnseenProgress {
  readonly #parts: UnseenParts
  #generated = 1
  #countedMs = 0
  #isOver = false
  /** When its prefill was thought to begin, or to stand behind others. */
  #sentMs: number
  #undo: Undo

  /** To be made when the call is sent. */
  constructor(parts: UnseenParts) {
    this.#parts = parts
    this.#sentMs = parts.entry.sentMs
    this.#undo = this.#lookWhenComputed()
  }

  /** It has said how long it is: what was thought of it counts no more. */
  settle(): void {
    this.#isOver = true
    this.#undo()
  }

  /** It has ended. Where it has not said how long it was, nothing is known of that. */
  end(): void {
    if (this.#isOver) return
    this.settle()
    this.#parts.onUnknown()
    this.#parts.ledger.counted(this.#parts.entry, 0)
  }

  #lookWhenComputed(): Undo {
    const { clock, ledger, entry } = this.#parts
    const prefillMs = ledger.book(entry.slot).queuedMs(clock.now())
    return clock.after(prefillMs, () => this.#lookForFirstToken())
  }

  #lookForFirstToken(): void {
    const { clock, ledger, entry, onFirstToken } = this.#parts
    if (entry.state === 'ended') return
    // It was put off, and has gone out since.
    if (this.#sentMs !== entry.sentMs) {
      this.#sentMs = entry.sentMs
      this.#undo = this.#lookWhenComputed()
      return
    }
    const [head] = ledger.book(entry.slot).prefills
    // Prefills go in their order: what stands before it is still under way.
    if (entry.state === 'prefill' && head !== entry) {
      this.#undo = clock.after(againMs, () => this.#lookForFirstToken())
      return
    }
    ledger.presumeFirstToken(entry)
    this.#countedMs = clock.now()
    this.#undo = clock.after(countMs, () => this.#count())
    onFirstToken()
  }

  #count(): void {
    const { clock, ledger, entry, tokenMs } = this.#parts
    if (entry.state === 'ended') return
    const nowMs = clock.now()
    const more = (nowMs - this.#countedMs) / tokenMs()
    this.#countedMs = nowMs
    this.#generated = Math.min(this.#generated + more, entry.call.outputMax)
    ledger.streamed(entry, Math.floor(this.#generated))
    this.#undo = clock.after(countMs, () => this.#count())
  }
}
