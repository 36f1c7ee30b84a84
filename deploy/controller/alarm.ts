import type { Clock, Undo } from '#shared/call/clock.ts'

/**
 * Goes off once at the earliest of the times it is set to. It is never put off: where it is set again
 * and again, as by pods that come and go without end, it would otherwise never go off.
 */
export class Alarm {
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #onDue: () => void
  #dueMs = Number.POSITIVE_INFINITY
  #undo: Undo = () => {}

  constructor(clock: Pick<Clock, 'now' | 'after'>, onDue: () => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Has it go off in `afterMs`, unless it does so earlier anyway. */
  set(afterMs: number): void {
    const dueMs = this.#clock.now() + afterMs
    if (this.#dueMs <= dueMs) return
    this.#undo()
    this.#dueMs = dueMs
    this.#undo = this.#clock.after(afterMs, () => {
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#onDue()
    })
  }

  clear(): void {
    this.#undo()
    this.#dueMs = Number.POSITIVE_INFINITY
  }
}
