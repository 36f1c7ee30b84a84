import { Heap } from './heap.ts'
import { Lane } from './lane.ts'
import type { Waiter } from './waiter.ts'
import type { CallClass } from './want.ts'

/** Families of models that wait apart; those beyond share the last line. */
const lanesMax = 64

/** All that waits. Milliseconds. */
export interface WaitingView {
  readonly interactive: number
  readonly batch: number
  readonly oldestMs: number
}

/** All who wait: in a lane for each family of models, and by the instants at which they have to leave. */
export class Line {
  readonly #lanes = new Map<string, Lane>()
  readonly #expiries = new Heap<Waiter>(({ expiresMs }) => expiresMs)
  readonly #waiting: Record<CallClass, number> = { interactive: 0, batch: 0 }
  #batchShare: number

  constructor(batchShare: number) {
    this.#batchShare = batchShare
  }

  set batchShare(share: number) {
    this.#batchShare = share
    for (const lane of this.#lanes.values()) lane.batchShare = share
  }

  get size(): number {
    return this.#expiries.size
  }

  /** In no order. */
  get waiters(): readonly Waiter[] {
    return this.#expiries.items
  }

  /** Those lanes in which somebody waits. */
  get busy(): Lane[] {
    return [...this.#lanes.values()].filter(({ waiting }) => waiting > 0)
  }

  /** Who has to leave first. */
  get first(): Waiter | undefined {
    return this.#expiries.peek()
  }

  waiting(name: CallClass): number {
    return this.#waiting[name]
  }

  lane(family: string): Lane {
    const known = this.#lanes.get(family)
    if (known !== undefined) return known
    const name = this.#lanes.size < lanesMax - 1 ? family : ''
    const lane = this.#lanes.get(name) ?? new Lane(name, this.#batchShare)
    this.#lanes.set(name, lane)
    return lane
  }

  join(waiter: Waiter): void {
    waiter.lane.push(waiter)
    this.#waiting[waiter.want.class]++
    this.#expiries.add(waiter)
  }

  leave(waiter: Waiter): void {
    waiter.lane.remove(waiter)
    this.#waiting[waiter.want.class]--
    this.#expiries.remove(waiter)
    waiter.undoCancel()
  }

  /** O(calls). */
  view(nowMs: number): WaitingView {
    let enteredMs = nowMs
    for (const waiter of this.waiters) enteredMs = Math.min(enteredMs, waiter.enteredMs)
    return { ...this.#waiting, oldestMs: nowMs - enteredMs }
  }
}
