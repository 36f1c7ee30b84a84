import type { CallError } from '#shared/errors/call-error.ts'
import type { Undo } from './clock.ts'

/**
 * Tells the layers of one call that it shall end: the caller left, the deadline passed, the process
 * stops. Cheaper than an AbortSignal, and it carries our own error. Cancels at most once.
 */
export class Cancellation {
  #reason: CallError | undefined
  readonly #listeners = new Set<(reason: CallError) => void>()

  /** Why, once cancelled. */
  get reason(): CallError | undefined {
    return this.#reason
  }

  cancel(reason: CallError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const listener of this.#listeners) listener(reason)
    this.#listeners.clear()
  }

  /** Runs `listener` at the cancelling, or at once when that has been. */
  onCancel(listener: (reason: CallError) => void): Undo {
    if (this.#reason !== undefined) {
      listener(this.#reason)
      return () => {}
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Throws the reason when cancelled. */
  check(): void {
    if (this.#reason !== undefined) throw this.#reason
  }
}
