import { classesDefault, rankOf } from '#shared/config/classes.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Work } from './line-rates.ts'
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

/** One that waits. */
interface Held extends Ticket {
  readonly forecast: Forecast
  readonly refuse: (error: CallError) => void
}

/** Of those that wait, as many are looked at: more tell little more. */
const sampled = 512
const nothing: Work = { blocks: 0, plainMs: 0 }

/** Those that wait for a replica, as far as forecasts go by them: about in the order they are placed. */
export class HeldLine {
  readonly #held = new Map<Ticket, Held>()
  /** By rank: calls wait for those of higher classes. */
  classes: readonly string[] = classesDefault
  /** How much sooner a call's turn comes for each millisecond it has waited. */
  ageing = 0

  get size(): number {
    return this.#held.size
  }

  has(ticket: Ticket): boolean {
    return this.#held.has(ticket)
  }

  add(ticket: Ticket, forecast: Forecast, refuse: Held['refuse']): void {
    this.#held.set(ticket, { ...ticket, forecast, refuse })
  }

  /** Whether it was there. */
  delete(ticket: Ticket): boolean {
    return this.#held.delete(ticket)
  }

  clear(): void {
    this.#held.clear()
  }

  /** What waits and goes before a call of so much; in a long line, by a sample of it. */
  aheadOf(ticket: Ticket, own: Work): Work {
    if (this.#held.size === 0) return nothing
    const key = this.#keyOf(ticket.call, own)
    const rank = rankOf(this.classes, ticket.call.class)
    let blocks = 0
    let plainMs = 0
    let seen = 0
    for (const [other, { call, forecast }] of this.#held) {
      if (seen === sampled) break
      seen++
      const otherRank = rankOf(this.classes, call.class)
      const isBefore =
        otherRank === rank ? this.#keyOf(call, forecast.work) <= key : otherRank < rank
      if (other === ticket || !isBefore) continue
      blocks += forecast.work.blocks
      plainMs += forecast.work.plainMs
    }
    const scale = this.#held.size / seen
    return { blocks: blocks * scale, plainMs: plainMs * scale }
  }

  /** The next `count` of them by turns: one that has been given is given again after all others. */
  turn(count: number): readonly (readonly [Ticket, Held['refuse']])[] {
    const turn: [Ticket, Held['refuse']][] = []
    for (const [ticket, held] of this.#held) {
      if (turn.length === Math.min(count, this.#held.size)) break
      turn.push([ticket, held.refuse])
    }
    for (const [ticket] of turn) {
      const held = this.#held.get(ticket)
      this.#held.delete(ticket)
      if (held !== undefined) this.#held.set(ticket, held)
    }
    return turn
  }

  #keyOf({ arrivedMs }: PoolCall, { plainMs }: Work): number {
    return plainMs + this.ageing * arrivedMs
  }
}
