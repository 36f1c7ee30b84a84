import { Heap } from './heap.ts'
import { type ClassTerms, Lane } from './lane.ts'
import type { Waiter } from './waiter.ts'

/** Families of models that wait apart; those beyond share the last line. */
const lanesMax = 64

/** All that waits. */
export interface WaitingView {
  /** Calls by class, those by rank first; no name has a capital letter. */
  readonly [name: string]: number
  /** Milliseconds. */
  readonly oldestMs: number
}

/** All who wait: in a lane for each family of models, and by the instants at which they have to leave. */
export class Line {
  readonly #lanes = new Map<string, Lane>()
  readonly #expiries = new Heap<Waiter>(({ expiresMs }) => expiresMs)
  /** By class. */
  #waiting = new Map<string, number>()
  #terms: ClassTerms

  constructor(terms: ClassTerms) {
    this.#terms = terms
  }

  configure(terms: ClassTerms): void {
    this.#terms = terms
    for (const lane of this.#lanes.values()) lane.configure(terms)
    const left = [...this.#waiting].filter(([name, calls]) => {
      return calls > 0 && !terms.classes.includes(name)
    })
    const ranked = terms.classes.map((name): [string, number] => [name, this.waiting(name)])
    this.#waiting = new Map([...ranked, ...left])
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

  /** Calls that wait, by class. */
  get byClass(): ReadonlyMap<string, number> {
    return this.#waiting
  }

  waiting(name: string): number {
    return this.#waiting.get(name) ?? 0
  }

  lane(family: string): Lane {
    const known = this.#lanes.get(family)
    if (known !== undefined) return known
    const name = this.#lanes.size < lanesMax - 1 ? family : ''
    const lane = this.#lanes.get(name) ?? new Lane(name, this.#terms)
    this.#lanes.set(name, lane)
    return lane
  }

  join(waiter: Waiter): void {
    waiter.lane.push(waiter)
    this.#count(waiter, 1)
    this.#expiries.add(waiter)
  }

  leave(waiter: Waiter): void {
    waiter.lane.remove(waiter)
    this.#count(waiter, -1)
    this.#expiries.remove(waiter)
    waiter.undoCancel()
  }

  /** O(calls). */
  view(nowMs: number): WaitingView {
    let enteredMs = nowMs
    for (const waiter of this.waiters) enteredMs = Math.min(enteredMs, waiter.enteredMs)
    return { ...Object.fromEntries(this.#waiting), oldestMs: nowMs - enteredMs }
  }

  #count({ queue: { name } }: Waiter, calls: number): void {
    this.#waiting.set(name, this.waiting(name) + calls)
  }
}
