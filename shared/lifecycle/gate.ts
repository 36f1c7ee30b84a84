import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'

/** Counts the calls of a process, and says when it takes no more. */
export class Gate {
  #inFlight = 0
  #isDraining = false
  #isUnready = false
  #onIdle: (() => void) | undefined

  get inFlight(): number {
    return this.#inFlight
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Whether new calls should come here. */
  get isReady(): boolean {
    return !this.#isUnready && !this.#isDraining
  }

  /** Still serves, but asks to be left out. */
  turnUnready(): void {
    this.#isUnready = true
  }

  /** Refuses every new call from here on. */
  drain(): void {
    this.#isDraining = true
  }

  /** Resolves when no call is in flight. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  enter(): void {
    this.#inFlight++
  }

  leave(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#onIdle?.()
  }
}

/**
 * Lets a call in while the process takes calls and is not full. A place ends with the body. Errors:
 * `draining`, `overloaded`.
 */
export function gated<Req, Res, Context extends CallContext>(
  gate: Gate,
  callsMax: (context: Context) => number,
): Layer<Req, Res, Context> {
  return (inner) => (request, context) => {
    if (gate.isDraining) throw new CallError('draining', 'Cannot serve: this process is ending')
    const limit = callsMax(context)
    if (gate.inFlight >= limit) {
      throw new CallError('overloaded', 'Cannot serve: too many calls are in flight', { limit })
    }
    gate.enter()
    context.atEnd.push(() => gate.leave())
    return inner(request, context)
  }
}
