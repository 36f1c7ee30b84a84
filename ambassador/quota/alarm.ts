import type { Clock, Undo } from '#shared/call/clock.ts'

/** A timer is not set for less: node's would not keep it. */
const timerMsLeast = 1

/** One timer for whatever comes next. An earlier one stays: it finds nothing to do, and sets the next. */
export class Alarm {
  readonly #clock: Clock
  readonly #onDue: () => void
  #atMs = Infinity
  #undo: Undo = () => {}

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get isSet(): boolean {
    return this.#atMs !== Infinity
  }

  set(atMs: number, nowMs: number): void {
    if (atMs >= this.#atMs) return
    this.#undo()
    this.#atMs = atMs
    this.#undo = this.#clock.after(Math.max(timerMsLeast, atMs - nowMs), () => {
      this.#atMs = Infinity
      this.#onDue()
    })
  }

  stop(): void {
    this.#undo()
    this.#undo = () => {}
    this.#atMs = Infinity
  }
}
