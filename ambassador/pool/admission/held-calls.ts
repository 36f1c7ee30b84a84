import type { CallError } from '#shared/errors/call-error.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Forecast } from './ttft-forecast.ts'
import type { Bounds } from './verdict.ts'

/** A call between its question and its replica. */
export interface Ticket {
  readonly call: PoolCall
  readonly bounds: Bounds
  /** Whether its tokens are seen as they come. */
  readonly isStream: boolean
  /** Of when it came; undefined where nobody had to know. */
  forecast: Forecast | undefined
}

type Refuse = (error: CallError) => void

/** Those that wait and may be refused yet. Who of them goes first the router knows, and nobody here. */
export class HeldCalls {
  readonly #held = new Map<Ticket, Refuse>()

  get size(): number {
    return this.#held.size
  }

  has(ticket: Ticket): boolean {
    return this.#held.has(ticket)
  }

  add(ticket: Ticket, refuse: Refuse): void {
    this.#held.set(ticket, refuse)
  }

  /** Whether it was there. */
  delete(ticket: Ticket): boolean {
    return this.#held.delete(ticket)
  }

  clear(): void {
    this.#held.clear()
  }

  /** The next `count` of them by turns: one that has been given is given again after all others. */
  turn(count: number): readonly (readonly [Ticket, Refuse])[] {
    const turn: (readonly [Ticket, Refuse])[] = []
    for (const held of this.#held) {
      if (turn.length === count) break
      turn.push(held)
    }
    for (const [ticket, refuse] of turn) {
      this.#held.delete(ticket)
      this.#held.set(ticket, refuse)
    }
    return turn
  }
}
