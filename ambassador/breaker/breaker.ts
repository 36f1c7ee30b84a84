import type { Clock, Undo } from '#shared/call/clock.ts'
import type { BreakerLimits } from '#shared/config/resilience-schema.ts'
import { type BreakerState, Circuit, type Verdict } from './circuit.ts'

/** Why a breaker is in its state. `last` is the reason of the last failure it was told. */
export interface BreakerReason {
  readonly cause:
    | 'start'
    | 'in-a-row'
    | 'share'
    | 'probe-due'
    | 'probe-failed'
    | 'probe-left'
    | 'recovered'
  readonly last: string | undefined
}

export interface BreakerChange {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: BreakerReason
}

/** A call that was not let through. */
export interface Refusal {
  readonly isAdmitted: false
  readonly reason: BreakerReason
  /** Until a probe is let through, at the latest, unless one under way fails. */
  readonly nextProbeMs: number
}

/** A bound on the time to the first content. */
export interface SlowBound {
  readonly slowMs: number
  /** Whether content has come, though nobody has said so yet. */
  readonly isFlowing: () => boolean
}

/** What happened to a call that was let through. The first verdict counts; further ones do nothing. */
export interface Admission {
  readonly isAdmitted: true
  /** First content, or a whole answer: a probe has done its work. No verdict while closed. */
  commit(): void
  /** The body has ended as it should. */
  succeed(): void
  /** The provider's failure, at once when it is seen; `reason` is one of a closed set of words. */
  fail(reason: string): void
  /**
   * The provider answered, with what is no verdict on it (the caller's own error, a limit): while
   * closed it counts for nothing, and a probe has shown that the provider is back.
   */
  answer(): void
  /** The caller left, or we could not ask: says nothing. A probe is then still owed. */
  withdraw(): void
}

/** Leave for a call that neither asks nor tells a breaker. */
export const unjudged: Admission = {
  isAdmitted: true,
  commit() {},
  succeed() {},
  fail() {},
  answer() {},
  withdraw() {},
}

/**
 * Circuit breaker of one credential and model (Nygard, "Release It!"). While closed a verdict comes
 * with the body's end, a failure at once; a probe's comes at its commit point, so that one long
 * stream does not keep all others out; a call let through in an earlier state has none, so that a
 * stream begun before an outage cannot end it. Opens by the share of failures among the calls of the
 * window, or by failures in a row: a share alone opens late after busy times.
 */
export class Breaker {
  readonly limits: BreakerLimits
  readonly #clock: Clock
  readonly #circuit: Circuit
  readonly #onChange: (change: BreakerChange) => void
  #state: BreakerState = 'closed'
  #sinceMs: number
  #reason: BreakerReason = { cause: 'start', last: undefined }
  /** Counts states, so that a call knows whether the one it began in still holds. */
  #era = 0
  #failuresInRow = 0
  #lastFailure: string | undefined
  /** Why we open it ourselves; where that is undefined opossum does. */
  #opening: BreakerReason['cause'] | undefined

  constructor(clock: Clock, limits: BreakerLimits, onChange: (change: BreakerChange) => void) {
    this.limits = limits
    this.#clock = clock
    this.#onChange = onChange
    this.#sinceMs = clock.now()
    this.#circuit = new Circuit(clock, limits, (state) => this.#change(state))
  }

  get state(): BreakerState {
    return this.#state
  }

  get reason(): BreakerReason {
    return this.#reason
  }

  /** Whether `admit` would let a call through. */
  get isPassable(): boolean {
    return this.#circuit.isPassable
  }

  /** How long it has been in its state, in ms. */
  get forMs(): number {
    return this.#clock.now() - this.#sinceMs
  }

  /** Until a probe is let through, in ms; 0 where a call may pass. */
  get nextProbeMs(): number {
    if (this.#circuit.isPassable) return 0
    // A probe is under way: should it fail, it takes as long again.
    if (this.#state === 'half-open') return this.limits.reset
    return Math.max(0, this.limits.reset - this.forMs)
  }

  /** Lets a call through, or says why not. Costs no promise where it refuses. */
  admit(slow: SlowBound | undefined): Admission | Refusal {
    if (!this.#circuit.isPassable) {
      return { isAdmitted: false, reason: this.#reason, nextProbeMs: this.nextProbeMs }
    }
    const isProbe = this.#state === 'half-open'
    return new Admitted(this, { era: this.#era, isProbe, verdict: this.#circuit.fire() }, slow)
  }

  /** For its admissions: whether the state of `era` still holds. */
  holds(era: number): boolean {
    return this.#era === era
  }

  /** For its admissions: a call reached its content. */
  noteContent(): void {
    this.#failuresInRow = 0
  }

  /** For its admissions: a failure, opossum's count of it, and our own. */
  noteFailure(reason: string, verdict: Verdict): void {
    this.#lastFailure = reason
    this.#failuresInRow++
    verdict.reject()
    if (this.#state === 'closed' && this.#failuresInRow >= this.limits.failures) {
      this.#open('in-a-row')
    }
  }

  /** For its admissions: the probe ended without a verdict; the next is due after another reset. */
  noteProbeLeft(): void {
    this.#open('probe-left')
  }

  /** For its admissions. */
  after(delayMs: number, action: () => void): Undo {
    return this.#clock.after(delayMs, action)
  }

  /** Undoes its timer; calls let through earlier have no verdict any more. */
  shutdown(): void {
    this.#era++
    this.#circuit.shutdown()
  }

  #open(cause: BreakerReason['cause']): void {
    this.#opening = cause
    this.#circuit.open()
    this.#opening = undefined
  }

  #change(to: BreakerState): void {
    const from = this.#state
    const last = this.#lastFailure
    this.#state = to
    this.#era++
    this.#sinceMs = this.#clock.now()
    this.#failuresInRow = 0
    this.#reason = { cause: this.#opening ?? causeOf(from, to), last }
    this.#onChange({ from, to, reason: this.#reason })
  }
}

/** What opossum's own change of state means. */
function causeOf(from: BreakerState, to: BreakerState): BreakerReason['cause'] {
  if (to === 'closed') return 'recovered'
  if (to === 'half-open') return 'probe-due'
  return from === 'half-open' ? 'probe-failed' : 'share'
}

interface Entry {
  readonly era: number
  readonly isProbe: boolean
  readonly verdict: Verdict
}

/** One call that was let through. */
class Admitted implements Admission {
  readonly isAdmitted = true
  readonly #breaker: Breaker
  readonly #entry: Entry
  readonly #undoSlow: Undo | undefined
  #isSettled = false
  #hasContent = false

  constructor(breaker: Breaker, entry: Entry, slow: SlowBound | undefined) {
    this.#breaker = breaker
    this.#entry = entry
    this.#undoSlow =
      slow &&
      breaker.after(slow.slowMs, () => {
        if (slow.isFlowing()) this.commit()
        else this.fail('slow')
      })
  }

  commit(): void {
    if (this.#isSettled || this.#hasContent) return
    this.#hasContent = true
    this.#undoSlow?.()
    if (!this.#breaker.holds(this.#entry.era)) return
    this.#breaker.noteContent()
    if (this.#entry.isProbe) this.succeed()
  }

  succeed(): void {
    if (!this.#settle()) return
    if (!this.#hasContent) this.#breaker.noteContent()
    this.#entry.verdict.resolve()
  }

  fail(reason: string): void {
    if (this.#settle()) this.#breaker.noteFailure(reason, this.#entry.verdict)
  }

  answer(): void {
    if (this.#settle() && this.#entry.isProbe) this.#entry.verdict.resolve()
  }

  withdraw(): void {
    if (this.#settle() && this.#entry.isProbe) this.#breaker.noteProbeLeft()
  }

  /** Whether a verdict is still to be given: none was, and the state it is about still holds. */
  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#undoSlow?.()
    return this.#breaker.holds(this.#entry.era)
  }
}
