import { WaitingLine } from '../dispatch/waiting-line.ts'
import { Merge } from './merge.ts'
import type { TenantTime } from './tenant-time.ts'
import { TenantTimes } from './tenant-times.ts'

/** A call that waits in turn with those of other tenants. */
export interface InTurn {
  readonly tenant: TenantTime
  /** Among its tenant's own, and in the same round others': smaller goes first. */
  readonly key: number
  /** What its tenant is likely to be charged for it, milliseconds of a replica's time. */
  readonly costMs: number
}

/** Calls that a forecast looks at, before one stands for several: more tell little more. */
const sampled = 256

/** Looks that each tenant whose calls wait has before another gets more of them. */
const looksMin = 8

/** One tenant's calls, as they are gone through. */
interface Walker<Item extends InTurn> {
  readonly tenant: TenantTime
  readonly line: WaitingLine<Item>
  place: number
  looked: number
  /** How many times it has had its part of the looks. */
  pass: number
  round: number
  key: number
}

/**
 * The calls of one class that wait. Tenants are served in rounds of `quantumMs` of a replica's time for a
 * weight of 1: those in the earliest round go first, by the keys of their calls, whosever they are (Cao
 * et al., Locality-aware Fair Scheduling in LLM Serving, 2025). With one tenant that is the order of
 * the keys.
 */
export class ClassLine<Item extends InTurn> {
  readonly times = new TenantTimes()
  readonly #quantumMs: number
  readonly #lines = new Map<TenantTime, WaitingLine<Item>>()
  #length = 0

  constructor(quantumMs: number) {
    this.#quantumMs = quantumMs
  }

  get length(): number {
    return this.#length
  }

  add(item: Item): void {
    const { tenant } = item
    let line = this.#lines.get(tenant)
    if (line === undefined) {
      line = new WaitingLine<Item>()
      this.#lines.set(tenant, line)
    }
    line.add(item)
    this.#length++
    this.times.wait(tenant)
  }

  remove(item: Item): void {
    const { tenant } = item
    const line = this.#lines.get(tenant)
    if (line === undefined || !line.remove(item)) return
    if (line.length === 0) this.#lines.delete(tenant)
    this.#length--
    this.times.leave(tenant)
  }

  /**
   * Offers up to `looks` calls in their turn. `place` tells whether the call has gone; it is removed
   * then, within that call. One that stays stops nobody: the next is offered.
   */
  walk(looks: number, place: (item: Item) => boolean): void {
    const part = Math.max(looksMin, Math.ceil(looks / Math.max(1, this.#lines.size)))
    const walkers = Array.from(this.#lines, ([tenant, line]) => this.#walker(tenant, line))
    const merge = new Merge(walkers, isBefore)
    for (let looked = 0; looked < looks; looked++) {
      const walker = merge.least
      const item = walker?.line.at(walker.place)
      if (walker === undefined || item === undefined) return
      if (!place(item)) walker.place++
      walker.looked++
      walker.pass = Math.floor(walker.looked / part)
      this.#next(walker, merge)
    }
  }

  /**
   * Those that go before `comer`, whether it waits already or would come now, if nobody else comes: its
   * tenant's by their keys, and others' up to the round in which its own turn comes. In a long line one
   * stands for `count`. O(tenants + 512).
   */
  *before(comer: InTurn): Iterable<readonly [item: Item, count: number]> {
    const { tenant, key } = comer
    let ownMs = 0
    const own = this.#lines.get(tenant)
    for (const [item, count] of samples(own, stepOf(own?.length ?? 0))) {
      if (item === comer || item.key > key) break
      ownMs += item.costMs * count
      yield [item, count]
    }
    const round = this.#roundOf(tenant, ownMs)
    const step = stepOf(this.#length)
    for (const [other, line] of this.#lines) {
      if (other === tenant) continue
      let spentMs = 0
      for (const [item, count] of samples(line, step)) {
        const at = this.#roundOf(other, spentMs)
        if (at > round || (at === round && item.key > key)) break
        spentMs += item.costMs * count
        yield [item, count]
      }
    }
  }

  /** All, in no order; in a long line one stands for `count`. O(tenants + 256). */
  *sampled(): Iterable<readonly [item: Item, count: number]> {
    const step = stepOf(this.#length)
    for (const line of this.#lines.values()) yield* samples(line, step)
  }

  /** Those of the tenants whose turn it is, or all others. */
  *calls(which: 'in turn' | 'others'): Iterable<Item> {
    let first = Number.POSITIVE_INFINITY
    for (const tenant of this.#lines.keys()) first = Math.min(first, this.#roundOf(tenant))
    for (const [tenant, line] of this.#lines) {
      const isInTurn = this.#roundOf(tenant) === first
      if (isInTurn === (which === 'in turn')) yield* line
    }
  }

  #walker(tenant: TenantTime, line: WaitingLine<Item>): Walker<Item> {
    const key = line.at(0)?.key ?? 0
    return { tenant, line, place: 0, looked: 0, pass: 0, round: this.#roundOf(tenant), key }
  }

  #next(walker: Walker<Item>, merge: Merge<Walker<Item>>): void {
    const item = walker.line.at(walker.place)
    if (item === undefined) {
      merge.drop()
      return
    }
    walker.key = item.key
    walker.round = this.#roundOf(walker.tenant)
    merge.moved()
  }

  /** In which it is once it has had so much more. */
  #roundOf(tenant: TenantTime, moreMs = 0): number {
    const standingMs = this.times.standingMs(tenant) + moreMs / tenant.weight
    return Math.floor(standingMs / this.#quantumMs)
  }
}

function stepOf(length: number): number {
  return Math.max(1, Math.ceil(length / sampled))
}

/** One of each `step` in their order, with how many it stands for. */
function* samples<Item extends InTurn>(
  line: WaitingLine<Item> | undefined,
  step: number,
): Iterable<readonly [Item, number]> {
  if (line === undefined) return
  for (let place = 0; place < line.length; place += step) {
    const count = Math.min(step, line.length - place)
    const item = line.at(place + (count >> 1))
    if (item !== undefined) yield [item, count]
  }
}

function isBefore<Item extends InTurn>(one: Walker<Item>, other: Walker<Item>): boolean {
  if (one.pass !== other.pass) return one.pass < other.pass
  if (one.round !== other.round) return one.round < other.round
  return one.key < other.key
}
