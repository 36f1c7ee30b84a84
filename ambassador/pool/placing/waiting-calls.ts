import { rankOf } from '#shared/config/classes.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Charge } from '../../limits/store.ts'

/** What may wait at once. */
export interface WaitingLimits {
  readonly calls: number
  /** Of their prompts, all together. */
  readonly tokens: number
  /** Of their bodies, all together. */
  readonly bytes: number
}

/** A call that waits for a replica. */
export interface WaitingCall {
  readonly class: string
  readonly tenant: string
  /** What it has reserved of its tenant's limits. */
  readonly charges: readonly Charge[]
  /** Of its prompt; the same all the time. */
  readonly tokens: number
  /** Of its body. */
  readonly bytes: number
  /** Takes it back from whoever would place it, to be submitted again. */
  takeBack(): void
  submit(): void
  refuse(error: CallError): void
  /** When a second try makes sense where nothing more may wait, in ms. */
  fullForMs(): number
}

/** The calls that wait for a replica, and how many may. */
export class WaitingCalls {
  limits: WaitingLimits
  readonly #calls = new Set<WaitingCall>()
  #tokens = 0
  #bytes = 0

  constructor(limits: WaitingLimits) {
    this.limits = limits
  }

  get size(): number {
    return this.#calls.size
  }

  get tokens(): number {
    return this.#tokens
  }

  get bytes(): number {
    return this.#bytes
  }

  get view(): { readonly calls: number; readonly tokens: number; readonly bytes: number } {
    return { calls: this.#calls.size, tokens: this.#tokens, bytes: this.#bytes }
  }

  [Symbol.iterator](): Iterator<WaitingCall> {
    return this.#calls[Symbol.iterator]()
  }

  /** How many of each class, in the order of `classes`; one that is none counts as the last. */
  byClass(classes: readonly string[]): readonly (readonly [name: string, calls: number])[] {
    const counts = classes.map(() => 0)
    for (const call of this.#calls) {
      const rank = rankOf(classes, call.class)
      counts[rank] = (counts[rank] ?? 0) + 1
    }
    return classes.map((name, rank) => [name, counts[rank] ?? 0])
  }

  /** Throws `overloaded` where it would be more than may wait. One alone always may. */
  add(waiting: WaitingCall): void {
    const { calls, tokens, bytes } = this.limits
    const isFull =
      this.#calls.size >= calls ||
      (this.#calls.size > 0 &&
        (this.#tokens + waiting.tokens > tokens || this.#bytes + waiting.bytes > bytes))
    if (isFull) {
      throw new CallError('overloaded', 'Cannot wait for a replica: as much waits as may', {
        waiting: this.#calls.size,
        waitingTokens: this.#tokens,
        retryAfterMs: waiting.fullForMs(),
      })
    }
    this.#calls.add(waiting)
    this.#tokens += waiting.tokens
    this.#bytes += waiting.bytes
  }

  /** It is placed, refused, or has left. A second time does nothing. */
  delete(waiting: WaitingCall): void {
    if (!this.#calls.delete(waiting)) return
    this.#tokens -= waiting.tokens
    this.#bytes -= waiting.bytes
  }

  /** Takes all back and submits them again, in the order in which they came: who takes calls has changed. */
  again(change: () => void): void {
    const calls = [...this.#calls]
    for (const call of calls) call.takeBack()
    change()
    for (const call of calls) call.submit()
  }

  /** Refuses those for which there is a reason, who came last is asked first. */
  refuseWhere(reasonOf: (waiting: WaitingCall) => CallError | undefined): void {
    for (const call of [...this.#calls].toReversed()) {
      const error = reasonOf(call)
      if (error !== undefined) call.refuse(error)
    }
  }

  refuseAll(error: CallError): void {
    for (const call of this.#calls) call.refuse(error)
  }
}
