import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import type { Quota } from '../../../ambassador/quota/quota.ts'
import { RateLimited } from '../../../ambassador/quota/rate-limited.ts'
import type { Want } from '../../../ambassador/quota/want.ts'
import type { Scenario } from './scenario.ts'
import { chance, type VirtualClock } from './virtual-clock.ts'

/** How calls were turned away, and what would have become of them. */
export interface RefusalFigures {
  readonly atOnce: number
  /** Calls that were let wait and refused after all. */
  readonly late: number
  /** Those of them that had waited all their patience. */
  readonly died: number
  /** Of all calls that were let wait or go, those that waited all their patience in vain. */
  readonly diedShare: number
  /** Of the calls turned away, those that were refused at once. */
  readonly atOnceShare: number
  readonly lateP50Ms: number
  /** Calls refused at once that waited all the same. */
  readonly tried: number
  /** Of those, what got its place within three quarters of its patience. */
  readonly couldShare: number
  /** The same within half of it. */
  readonly couldEasilyShare: number
}

/** A call that was refused at once. */
interface Refused {
  readonly want: Want
  readonly quota: Quota
  readonly waited: (permit: Permit) => void
}

const over = new CallError('client-left', 'Cannot wait: the trial is over')

/** Follows the calls of one run that were turned away. */
export class Refusals {
  readonly #clock: VirtualClock
  readonly #scenario: Scenario
  readonly #random: () => number
  readonly #lateMs: number[] = []
  #atOnce = 0
  #tried = 0
  /** How long those waited that got their place. */
  readonly #servedMs: number[] = []

  constructor(clock: VirtualClock, scenario: Scenario) {
    this.#clock = clock
    this.#scenario = scenario
    // Of its own: whether calls are tried must change no other draw.
    this.#random = chance(scenario.seed * 31 + 5)
  }

  get count(): number {
    return this.#atOnce + this.#lateMs.length
  }

  /** A call was let wait, and refused after `waitedMs`. */
  late(waitedMs: number): void {
    this.#lateMs.push(waitedMs)
  }

  /** Some of those refused for want of time wait nevertheless, for as long as they said. */
  atOnce(error: unknown, refused: Refused): void {
    this.#atOnce++
    if (!(error instanceof RateLimited) || error.reason !== 'patience') return
    if (this.#random() < this.#scenario.triedShare) void this.#try(refused)
  }

  async #try({ want, quota, waited }: Refused): Promise<void> {
    const cancellation = new Cancellation()
    const beganMs = this.#clock.now()
    this.#tried++
    const undo = this.#clock.after(want.patienceMs, () => cancellation.cancel(over))
    try {
      const permit = await quota.enter({ ...want, patienceMs: want.patienceMs * 100, cancellation })
      undo()
      this.#servedMs.push(this.#clock.now() - beganMs)
      waited(permit)
    } catch (error) {
      if (error !== over && !(error instanceof RateLimited)) throw error
    }
  }

  figures(sent: number): RefusalFigures {
    const { patienceMs } = this.#scenario
    const late = this.#lateMs.toSorted((left, right) => left - right)
    const died = late.filter((waitedMs) => waitedMs >= patienceMs - 1).length
    return {
      atOnce: this.#atOnce,
      late: late.length,
      died,
      diedShare: died / (sent + late.length),
      atOnceShare: this.#atOnce / Math.max(1, this.count),
      lateP50Ms: late[Math.floor(late.length / 2)] ?? 0,
      tried: this.#tried,
      couldShare: this.#within(0.75),
      couldEasilyShare: this.#within(0.5),
    }
  }

  /** Part of the calls tried that got their place within `share` of their patience. */
  #within(share: number): number {
    const limitMs = share * this.#scenario.patienceMs
    const within = this.#servedMs.filter((servedMs) => servedMs <= limitMs).length
    return within / Math.max(1, this.#tried)
  }
}
