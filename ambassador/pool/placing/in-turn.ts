import type { Clock, Undo } from '#shared/call/clock.ts'
import { CallError, toCallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Charge } from '../../limits/store.ts'
import type { Entrance } from '../admission/pool-admission.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Placement } from './placement.ts'
import type { WaitingCall, WaitingCalls } from './waiting-calls.ts'

/**
 * Submits a call anew; `bound` is told of its place, within this call or later. Throws `overloaded`
 * where it cannot be in time.
 */
export type Submit = (bound: (placement: Placement) => void) => {
  readonly call: PoolCall
  readonly entrance: Entrance
  readonly takeBack: () => void
}

interface InTurnParts {
  readonly clock: Clock
  readonly context: AmbassadorCall
  readonly bytes: number
  readonly waiting: WaitingCalls
  readonly submit: Submit
}

/**
 * A place at once, or when the call’s turn comes. Rejects with `overloaded` where as much waits as may,
 * where it cannot be in time and where its patience is over, and with the reason of a cancelling: it has
 * left the line then.
 */
export function inTurn(parts: InTurnParts): Promise<Placement> {
  const { clock, context, waiting } = parts
  const { patienceUntilMs, deadlineMs, cancellation } = context
  return new Promise((resolve, reject) => {
    const held = new Held(parts, resolve, reject)
    held.submit()
    if (held.isOver) return
    const leftMs = Math.min(patienceUntilMs, deadlineMs) - clock.now()
    try {
      if (leftMs <= 0) throw held.noRoom()
      waiting.add(held)
    } catch (error) {
      held.refuse(toCallError(error))
      return
    }
    held.undo.push(clock.after(leftMs, () => held.refuse(held.noRoom())))
    held.undo.push(cancellation.onCancel((reason) => held.refuse(reason)))
  })
}

/** A call until it is placed or refused. */
class Held implements WaitingCall {
  readonly #parts: InTurnParts
  readonly #resolve: (placement: Placement) => void
  readonly #reject: (error: CallError) => void
  readonly undo: Undo[] = []
  isOver = false
  #submitted: ReturnType<Submit> | undefined

  constructor(
    parts: InTurnParts,
    resolve: (placement: Placement) => void,
    reject: (error: CallError) => void,
  ) {
    this.#parts = parts
    this.#resolve = resolve
    this.#reject = reject
  }

  get tokens(): number {
    return this.#submitted?.call.tokens ?? 0
  }

  get class(): string {
    return this.#parts.context.class
  }

  get tenant(): string {
    return this.#parts.context.tenant
  }

  get owner(): string | undefined {
    return this.#parts.context.owner
  }

  get hasOthers(): boolean {
    return Object.keys(this.#parts.context.snapshot?.config.tenants ?? {}).length > 1
  }

  get charges(): readonly Charge[] {
    return this.#parts.context.admission?.charges ?? []
  }

  get bytes(): number {
    return this.#parts.bytes
  }

  submit(): void {
    if (this.isOver) return
    try {
      this.#submitted = this.#parts.submit((placement) => {
        this.#leave()
        this.#resolve(placement)
      })
    } catch (error) {
      this.refuse(toCallError(error))
    }
    if (this.isOver) return
    const late = this.#submitted?.entrance.held((error) => this.refuse(error))
    if (late !== undefined) this.refuse(late)
  }

  takeBack(): void {
    this.#submitted?.takeBack()
    this.#submitted?.entrance.leave()
  }

  fullForMs(): number {
    return this.#submitted?.entrance.refused('room') ?? 1_000
  }

  noRoom(): CallError {
    return new CallError(
      'overloaded',
      'Cannot place the call: no replica had room within its patience',
      { reason: 'patience', retryAfterMs: this.#submitted?.entrance.refused('patience') ?? 1_000 },
    )
  }

  refuse(error: CallError): void {
    if (this.isOver) return
    this.#leave()
    this.takeBack()
    this.#reject(error)
  }

  #leave(): void {
    this.isOver = true
    for (const each of this.undo) each()
    this.#parts.waiting.delete(this)
  }
}

export function noReplica(replicas: number): CallError {
  const why = 'Cannot serve: no replica of the pool is healthy'
  return new CallError('no-healthy-replica', why, { replicas })
}
