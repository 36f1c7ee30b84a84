import type { Clock } from '#shared/call/clock.ts'
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
  /** Whether there are other tenants, who may come. */
  readonly hasOthers: boolean
  /** What it has reserved of its tenant's limits. */
  readonly charges: readonly Charge[]
  /** The only replica that may take it; undefined where any may. */
  readonly owner?: string | undefined
  /** Of its prompt; the same all the time. */
  readonly tokens: number
  /** Of its body. */
  readonly bytes: number
  /** Takes it back from whoever would place it, to be submitted again. A second time does nothing. */
  takeBack(): void
  submit(): void
  refuse(error: CallError): void
  /** When a second try makes sense where nothing more may wait, in ms. */
  fullForMs(): number
}

/**
 * Calls that are submitted again in one turn of the event loop, and tokens of their prompts: some
 * milliseconds (0.13 ms a call in a line of 3,000 calls of 4,000 tokens).
 */
const inOneTurn = { calls: 16, tokens: 1_000_000 } as const

/** What some of those that wait are together. */
class Amount {
  calls = 0
  tokens = 0
  bytes = 0

  add({ tokens, bytes }: WaitingCall, times: 1 | -1): void {
    this.calls += times
    this.tokens += times * tokens
    this.bytes += times * bytes
  }
}

/** The calls that wait for a replica, and how many may. */
export class WaitingCalls {
  limits: WaitingLimits
  readonly #clock: Pick<Clock, 'after'>
  readonly #calls = new Set<WaitingCall>()
  readonly #all = new Amount()
  /** Of each tenant that has any. */
  readonly #ofTenants = new Map<string, Amount>()
  /** Those that were taken back and are not submitted again yet. */
  #returning = new Set<WaitingCall>()
  #isReturning = false

  constructor(limits: WaitingLimits, clock: Pick<Clock, 'after'>) {
    this.limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#calls.size
  }

  get tokens(): number {
    return this.#all.tokens
  }

  get bytes(): number {
    return this.#all.bytes
  }

  get view(): { readonly calls: number; readonly tokens: number; readonly bytes: number } {
    const { calls, tokens, bytes } = this.#all
    return { calls, tokens, bytes }
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

  /**
   * Throws `overloaded` where it would be more than may wait, and where a tenant among others would have
   * more than is left free: alone it may have half of all, beside another one that does the same a third,
   * and who comes anew finds room. One call alone always may, of all and of its tenant as far as there
   * is room.
   */
  add(waiting: WaitingCall): void {
    if (this.#isFull(waiting)) {
      throw full('as much waits as may', this.#all, waiting)
    }
    const own = this.#ofTenants.get(waiting.tenant)
    if (own !== undefined && waiting.hasOthers && this.#isPartFull(own, waiting)) {
      throw full(`as much of tenant '${waiting.tenant}' waits as may beside others`, own, waiting)
    }
    this.#calls.add(waiting)
    this.#count(waiting, 1)
  }

  /** It is placed, refused, or has left. A second time does nothing. */
  delete(waiting: WaitingCall): void {
    if (!this.#calls.delete(waiting)) return
    this.#returning.delete(waiting)
    this.#count(waiting, -1)
  }

  /**
   * Takes all back and submits them again, in the order in which they came: who places calls has changed.
   * The first of them at once, the others in later turns of the event loop.
   */
  again(change: () => void): void {
    for (const call of this.#calls) call.takeBack()
    change()
    this.#returning = new Set(this.#calls)
    this.#submitSome()
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

  #isFull({ tokens, bytes }: WaitingCall): boolean {
    const { limits } = this
    const all = this.#all
    if (all.calls === 0) return limits.calls === 0
    return (
      all.calls >= limits.calls ||
      all.tokens + tokens > limits.tokens ||
      all.bytes + bytes > limits.bytes
    )
  }

  /** Whether its tenant would have more than is free then. */
  #isPartFull(own: Amount, { tokens, bytes }: WaitingCall): boolean {
    const { limits } = this
    const all = this.#all
    return (
      own.calls + 1 > limits.calls - all.calls - 1 ||
      own.tokens + tokens > limits.tokens - all.tokens - tokens ||
      own.bytes + bytes > limits.bytes - all.bytes - bytes
    )
  }

  #count(waiting: WaitingCall, times: 1 | -1): void {
    const { tenant } = waiting
    const own = this.#ofTenants.get(tenant) ?? new Amount()
    this.#ofTenants.set(tenant, own)
    own.add(waiting, times)
    this.#all.add(waiting, times)
    if (own.calls === 0) this.#ofTenants.delete(tenant)
  }

  #submitSome(): void {
    let [calls, tokens] = [0, 0]
    for (const call of this.#returning) {
      tokens += call.tokens
      if (calls === inOneTurn.calls || (calls > 0 && tokens > inOneTurn.tokens)) break
      calls++
      this.#returning.delete(call)
      call.submit()
    }
    if (this.#returning.size === 0 || this.#isReturning) return
    this.#isReturning = true
    this.#clock.after(0, () => {
      this.#isReturning = false
      this.#submitSome()
    })
  }
}

function full(state: string, { calls, tokens }: Amount, waiting: WaitingCall): CallError {
  return new CallError('overloaded', `Cannot wait for a replica: ${state}`, {
    waiting: calls,
    waitingTokens: tokens,
    retryAfterMs: waiting.fullForMs(),
  })
}
