import { ClassQueue } from './class-queue.ts'
import { plus, type Within } from './fair-queue.ts'
import type { Amounts } from './shape.ts'
import type { Waiter } from './waiter.ts'

/** Calls that wait for a credential of their own while others of the lane pass them. */
const asideMax = 16

const nothing: Amounts = { requests: 0, input: 0, output: 0, tokens: 0 }

/** How classes share. */
export interface ClassTerms {
  /** By rank, the first goes first; at least one. */
  readonly classes: readonly string[]
  /** What each lower class gets of what goes while higher ones wait too, from 0 to below 1. */
  readonly batchShare: number
}

/** The calls to one family of models: they meet the same limits, so the first in line speaks for all. */
export class Lane {
  readonly name: string
  /** First in line already, but kept by a wish of their own (a session, an exclusion). */
  readonly aside: Waiter[] = []
  /** By rank; behind them those that are classes no longer, while calls of them wait. */
  #queues: readonly ClassQueue[] = []
  #lowest = new ClassQueue('')
  #share = 0

  constructor(name: string, terms: ClassTerms) {
    this.name = name
    this.configure(terms)
  }

  /** Takes over a configuration: calls that wait stay in their class, whatever its rank is then. */
  configure({ classes, batchShare }: ClassTerms): void {
    const before = this.#queues
    const ranked = classes.map(
      (name) => before.find((queue) => queue.name === name) ?? new ClassQueue(name),
    )
    const left = before.filter((queue) => !ranked.includes(queue) && this.#isWaitedIn(queue))
    this.#queues = [...ranked, ...left]
    this.#lowest = ranked.at(-1) ?? this.#lowest
    this.#share = batchShare
  }

  /** By rank. */
  get queues(): readonly ClassQueue[] {
    return this.#queues
  }

  get waiting(): number {
    let waiting = this.aside.length
    for (const queue of this.#queues) waiting += queue.waiting
    return waiting
  }

  /** Where calls of a class wait: those of one that is none any more count as of the lowest. */
  queue(name: string): ClassQueue {
    return this.#queues.find((queue) => queue.name === name) ?? this.#lowest
  }

  /** Whether a call of this class would pass somebody of its own class or a better one. */
  isPassing(own: ClassQueue): boolean {
    for (const queue of this.#queues) {
      if (queue.waiting > 0) return true
      if (queue === own) return false
    }
    return false
  }

  /** Whose turn it is: the best class that waits, but for those below it that have their due. */
  peek(): Waiter | undefined {
    let best: Waiter | undefined
    for (const queue of this.#queues) {
      const first = queue.peek()
      if (first === undefined) continue
      if (best !== undefined && queue.due >= first.cost) return first
      best ??= first
    }
    return best
  }

  /** Whether one more may stand aside. */
  get hasRoomAside(): boolean {
    return this.aside.length < asideMax
  }

  /** The call goes, from wherever it stood. */
  spend({ queue: own, tenant, cost }: Waiter): void {
    own.spend(tenant, cost)
    const due = (cost * this.#share) / (1 - this.#share)
    let isLower = false
    for (const queue of this.#queues) {
      if (queue.waiting === 0) queue.due = 0
      else if (queue === own) queue.due = Math.max(0, queue.due - cost)
      else if (isLower) queue.due += due
      isLower ||= queue === own
    }
  }

  /** A call comes, to wait or to go at once. */
  arrive({ queue, tenant, cost }: Waiter, nowMs: number): void {
    queue.arrive(tenant, cost, nowMs)
  }

  /** A call has waited, for a permit or in vain: that tells what forecasts are worth. */
  waited({ want, queue, forecastMs, enteredMs }: Waiter, nowMs: number): void {
    const { patienceMs } = want
    queue.foresight.learn({ forecastMs, patienceMs, waitedMs: nowMs - enteredMs })
  }

  push(waiter: Waiter): void {
    waiter.state = 'queued'
    waiter.queue.push(waiter)
  }

  putAside(waiter: Waiter): void {
    this.remove(waiter)
    waiter.state = 'aside'
    this.aside.push(waiter)
  }

  /** From wherever it stands. */
  remove(waiter: Waiter): void {
    if (waiter.state === 'queued') waiter.queue.remove(waiter)
    if (waiter.state === 'aside') this.aside.splice(this.aside.indexOf(waiter), 1)
    waiter.state = 'outside'
  }

  /** Takes notice of how much comes; forecasts go by the last such look. */
  look(nowMs: number): void {
    for (const queue of this.#queues) queue.look(nowMs)
  }

  /** What goes before a call of the tenant and class of `waiter`: calls are taken to be alike but for their cost. */
  aheadOf({ queue, tenant, net }: Waiter, within: Within): Amounts {
    const own = queue.costAheadOf(tenant, within)
    const cost = own + this.#otherClasses(queue, own, within.withinMs)
    let sum = nothing
    for (const each of this.#queues) sum = plus(sum, each.sum, 1)
    const kind = sum.tokens > 0 ? sum : net
    return plus(nothing, kind, kind.tokens > 0 ? cost / kind.tokens : 0)
  }

  /** What the other classes take while `own` of this one goes. */
  #otherClasses(queue: ClassQueue, own: number, withinMs: number): number {
    const share = this.#share
    const rank = this.#queues.indexOf(queue)
    let higher = 0
    for (const { sum, perMs } of this.#queues.slice(0, rank)) {
      higher += sum.tokens + withinMs * perMs
    }
    if (share > 0) higher = Math.min(higher, (own * (1 - share)) / share)
    let others = higher
    for (const { sum } of this.#queues.slice(rank + 1)) {
      others += Math.min(sum.tokens, ((own + others) * share) / (1 - share))
    }
    return others
  }

  #isWaitedIn(queue: ClassQueue): boolean {
    return queue.waiting > 0 || this.aside.some((waiter) => waiter.queue === queue)
  }
}
