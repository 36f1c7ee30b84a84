import { FairQueue, plus, type Within } from './fair-queue.ts'
import type { Amounts } from './shape.ts'
import type { Waiter } from './waiter.ts'
import type { CallClass } from './want.ts'

/** Calls that wait for a credential of their own while others of the lane pass them. */
const asideMax = 16

const nothing: Amounts = { requests: 0, input: 0, output: 0, tokens: 0 }

/** The calls to one family of models: they meet the same limits, so the first in line speaks for all. */
export class Lane {
  readonly name: string
  readonly interactive = new FairQueue()
  readonly batch = new FairQueue()
  /** First in line already, but kept by a wish of their own (a session, an exclusion). */
  readonly aside: Waiter[] = []
  /** Of what goes while both wait, from 0 to below 1. */
  batchShare: number
  /** What interactive calls took while batch waited, as far as it is batch's due. */
  #batchDue = 0

  constructor(name: string, batchShare: number) {
    this.name = name
    this.batchShare = batchShare
  }

  get waiting(): number {
    return this.interactive.waiting + this.batch.waiting + this.aside.length
  }

  queue(name: CallClass): FairQueue {
    return name === 'batch' ? this.batch : this.interactive
  }

  /** Whether a call of this class would pass somebody of its own class or a better one. */
  isPassing(name: CallClass): boolean {
    if (this.interactive.waiting > 0) return true
    return name === 'batch' && this.batch.waiting > 0
  }

  /** Whose turn it is. */
  peek(): Waiter | undefined {
    const batch = this.batch.peek()
    const interactive = this.interactive.peek()
    if (batch === undefined || interactive === undefined) return interactive ?? batch
    return this.#batchDue >= batch.cost ? batch : interactive
  }

  /** Whether one more may stand aside. */
  get hasRoomAside(): boolean {
    return this.aside.length < asideMax
  }

  /** The call goes, from wherever it stood. */
  spend(waiter: Waiter): void {
    const { class: name } = waiter.want
    this.queue(name).spend(waiter.tenant, waiter.cost)
    if (this.batch.waiting === 0) this.#batchDue = 0
    else if (name === 'interactive') {
      this.#batchDue += (waiter.cost * this.batchShare) / (1 - this.batchShare)
    } else this.#batchDue = Math.max(0, this.#batchDue - waiter.cost)
  }

  /** A call comes, to wait or to go at once. */
  arrive({ want, tenant, cost }: Waiter, nowMs: number): void {
    this.queue(want.class).arrive(tenant, cost, nowMs)
  }

  /** A call has waited, for a permit or in vain: that tells what forecasts are worth. */
  waited({ want, forecastMs, enteredMs }: Waiter, nowMs: number): void {
    const { patienceMs } = want
    this.queue(want.class).foresight.learn({ forecastMs, patienceMs, waitedMs: nowMs - enteredMs })
  }

  push(waiter: Waiter): void {
    waiter.state = 'queued'
    this.queue(waiter.want.class).push(waiter)
  }

  putAside(waiter: Waiter): void {
    this.remove(waiter)
    waiter.state = 'aside'
    this.aside.push(waiter)
  }

  /** From wherever it stands. */
  remove(waiter: Waiter): void {
    if (waiter.state === 'queued') this.queue(waiter.want.class).remove(waiter)
    if (waiter.state === 'aside') this.aside.splice(this.aside.indexOf(waiter), 1)
    waiter.state = 'outside'
  }

  /** Takes notice of how much comes; forecasts go by the last such look. */
  look(nowMs: number): void {
    this.interactive.look(nowMs)
    this.batch.look(nowMs)
  }

  /** What goes before a call of the tenant and class of `waiter`: calls are taken to be alike but for their cost. */
  aheadOf({ want, tenant, net }: Waiter, within: Within): Amounts {
    const own = this.queue(want.class).costAheadOf(tenant, within)
    const cost = own + this.#otherClass(want.class, own, within.withinMs)
    const { interactive, batch } = this
    const sum = plus(interactive.sum, batch.sum, 1)
    const kind = sum.tokens > 0 ? sum : net
    return plus(nothing, kind, kind.tokens > 0 ? cost / kind.tokens : 0)
  }

  /** What the other class takes while `own` of this one goes. */
  #otherClass(name: CallClass, own: number, withinMs: number): number {
    const { interactive, batch, batchShare } = this
    if (name === 'interactive') {
      return Math.min(batch.sum.tokens, (own * batchShare) / (1 - batchShare))
    }
    const most = interactive.sum.tokens + withinMs * interactive.perMs
    return batchShare === 0 ? most : Math.min(most, (own * (1 - batchShare)) / batchShare)
  }
}
