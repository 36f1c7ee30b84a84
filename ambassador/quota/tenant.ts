import { Arrivals } from './arrivals.ts'
import { Habits } from './habits.ts'
import type { Placed } from './heap.ts'
import type { Waiter } from './waiter.ts'

/** One tenant's calls of one class in one lane: a list in the order they came. */
export class Tenant implements Placed {
  heapAt = -1
  readonly name: string
  readonly habits = new Habits()
  readonly arrivals = new Arrivals()
  /** What comes of its calls per millisecond, when that was last looked at. Tokens. */
  perMs = 0
  weight = 1
  /** What it has had, over its weight: the least goes first. */
  virtual: number
  waiting = 0
  /** Sum of the waiting calls' costs. */
  waitingCost = 0
  #first: Waiter | undefined
  #last: Waiter | undefined

  constructor(name: string, virtual: number) {
    this.name = name
    this.virtual = virtual
  }

  get first(): Waiter | undefined {
    return this.#first
  }

  append(waiter: Waiter): void {
    waiter.previous = this.#last
    if (this.#last === undefined) this.#first = waiter
    else this.#last.next = waiter
    this.#last = waiter
    this.waiting++
    this.waitingCost += waiter.cost
  }

  remove(waiter: Waiter): void {
    const { previous, next } = waiter
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    waiter.previous = undefined
    waiter.next = undefined
    this.waiting--
    this.waitingCost = this.waiting === 0 ? 0 : this.waitingCost - waiter.cost
  }
}
