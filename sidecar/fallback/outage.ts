import type { Clock } from '#shared/call/clock.ts'

/** Longest that a target is passed over, whatever its ambassador said: it may be back before. */
const awayMsMax = 30_000
/** After its ambassador could not be connected to at any address; twice as long after each further time. */
const absentMsFirst = 1_000
/** By how much longer, by chance: the pods that were told one time must not come back in one moment. */
const spread = 0.25
/** The call that finds out whether it is back has the way to itself for so long. */
const probeMs = 1_000

/**
 * Whether a target is known not to serve: its ambassador said until when, or is not there. Over when
 * that time is, for one call; the others follow when that one was answered.
 */
export class Outage {
  #untilMs = 0
  #absences = 0
  #isOnTrial = false

  /** Until when it is passed over, on the clock's own scale; 0 where nothing is known against it. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Whether a call that has another target goes on to that one. The first behind the time does not. */
  turnsAway(clock: Pick<Clock, 'now'>): boolean {
    if (this.#untilMs === 0) return false
    const nowMs = clock.now()
    if (nowMs < this.#untilMs) return true
    this.#untilMs = nowMs + probeMs
    this.#isOnTrial = true
    return false
  }

  /** Its ambassador said that it serves nobody for `waitMs`. */
  begin(waitMs: number, clock: Clock): void {
    this.#hold(waitMs, clock)
    this.#absences = 0
  }

  /**
   * Its ambassador could not be connected to. While it is passed over that is no news, but of the call that
   * tries it: the calls of one moment would else each double the time.
   */
  beginAbsence(clock: Clock): void {
    if (clock.now() < this.#untilMs && !this.#isOnTrial) return
    this.#hold(absentMsFirst * 2 ** Math.min(this.#absences, 10), clock)
    this.#absences++
  }

  /** It was answered. */
  end(): void {
    this.#untilMs = 0
    this.#absences = 0
    this.#isOnTrial = false
  }

  /** The same as of this moment; what becomes of one changes nothing of the other. */
  copy(): Outage {
    const copy = new Outage()
    copy.#untilMs = this.#untilMs
    copy.#absences = this.#absences
    copy.#isOnTrial = this.#isOnTrial
    return copy
  }

  #hold(waitMs: number, clock: Clock): void {
    this.#isOnTrial = false
    const boundMs = Math.min(waitMs, awayMsMax)
    this.#untilMs = clock.now() + boundMs * (1 + spread * clock.random())
  }
}
