import type { Clock, Undo } from '#shared/call/clock.ts'
import { type CallPlan, type CallRecord, callOnce, type Phase } from './call.ts'

/** Calls at once: beyond it the load itself would be what is measured. */
const callsMax = 1_000

/** Asks at a steady rate, whether or not answers come, as applications do. */
export class Load {
  readonly records: CallRecord[] = []
  /** Calls that were due while `callsMax` were under way. */
  skipped = 0
  readonly #clock: Clock
  readonly #plan: CallPlan
  readonly #everyMs: number
  readonly #phase: () => Phase
  readonly #live = new Set<Promise<void>>()
  #undo: Undo = () => {}

  /** `rate` is calls a second. */
  constructor(clock: Clock, plan: CallPlan, timing: { rate: number; phase: () => Phase }) {
    this.#clock = clock
    this.#plan = plan
    this.#everyMs = 1_000 / timing.rate
    this.#phase = timing.phase
  }

  start(): void {
    const startMs = this.#clock.now()
    let sent = 0
    const next = () => {
      this.#ask()
      sent += 1
      const dueMs = startMs + sent * this.#everyMs
      this.#undo = this.#clock.after(Math.max(0, dueMs - this.#clock.now()), next)
    }
    next()
  }

  /** Asks no more, and resolves when all answers have ended. */
  async stop(): Promise<void> {
    this.#undo()
    await Promise.all(this.#live)
  }

  #ask(): void {
    if (this.#live.size >= callsMax) {
      this.skipped += 1
      return
    }
    const call = this.#record(this.#phase())
    this.#live.add(call)
    void call.finally(() => this.#live.delete(call))
  }

  async #record(phase: Phase): Promise<void> {
    const record = await callOnce(this.#plan, phase)
    // What was under way when the fault came has met it.
    const hasMet = phase === 'before' && this.#phase() !== 'before'
    this.records.push(hasMet ? { ...record, phase: 'during' } : record)
  }
}
