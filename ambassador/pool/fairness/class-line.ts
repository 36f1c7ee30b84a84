import { WaitingLine } from '../dispatch/waiting-line.ts'
import { Merge } from './merge.ts'
import type { TenantTime } from './tenant-time.ts'
import { TenantTimes } from './tenant-times.ts'

/** A call that waits in turn with those of other tenants. */
export interface InTurn {
  readonly tenant: TenantTime
  /** Among its tenant's own, and in the same round others': smaller goes first. */
  readonly key: number
}

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

  #roundOf(tenant: TenantTime): number {
    return Math.floor(this.times.standingMs(tenant) / this.#quantumMs)
  }
}

function isBefore<Item extends InTurn>(one: Walker<Item>, other: Walker<Item>): boolean {
  if (one.pass !== other.pass) return one.pass < other.pass
  if (one.round !== other.round) return one.round < other.round
  return one.key < other.key
}
