import type { Clock, Undo } from '#shared/call/clock.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { BillFacts } from '../bill.ts'
import type { UsageLabels } from '../count-usage.ts'
import type { Admission } from '../limits/limiter.ts'
import { spentOn } from '../limits/quantities.ts'
import { reportedCost } from '../prices/answer-facts.ts'
import { type Cost, costOf } from '../prices/cost.ts'
import type { Price } from '../prices/price.ts'
import { plusUsage } from '../settled-usage.ts'
import { BackgroundLengths } from './background-lengths.ts'
import type { Holder } from './sealer.ts'

/** A call whose response runs on in the background, and what stands charged for it. */
export interface Estimate {
  /** Id of the call. */
  readonly call: string
  readonly labels: UsageLabels
  readonly price: Price | undefined
  readonly seller: string | undefined
  readonly usage: Usage
  /** Of that, what failed attempts may be billed for. */
  readonly earlier: Usage
  readonly cost: Cost | undefined
  readonly admission: Admission | undefined
}

/** What an ended response says of its bill. */
export interface FinalFacts extends BillFacts {
  readonly usage: Usage
}

/** What a response has used beyond its estimate; below zero where it was less. */
export interface Late {
  /** Id of the call that was charged by the estimate. */
  readonly call: string
  readonly usage: Usage
  readonly cost: Cost | undefined
}

interface BookParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Told once of each response: of what was used, or of the estimate where nobody came for it. */
  readonly onCounted: (labels: UsageLabels, usage: Usage, cost: Cost | undefined) => void
}

interface Entry {
  readonly estimate: Estimate
  readonly sinceMs: number
}

/** About 2 KB each. */
const entriesMax = 4_096
/** Who has not come for an answer within a day does not come. */
const ageMaxMs = 24 * 3_600_000

/**
 * Responses in the background whose usage is not known: each is settled once, by the first answer that
 * shows what it has used, and what was charged for it by estimate is put right. Holds the newest 4,096 for
 * a day; of what leaves it unsettled the estimate stands. Known to this process alone.
 */
export class BackgroundBook {
  readonly #parts: BookParts
  /** In the order of their age. */
  readonly #entries = new Map<string, Entry>()
  readonly #lengths = new BackgroundLengths()
  #undo: Undo | undefined

  constructor(parts: BookParts) {
    this.#parts = parts
  }

  /** Responses that wait to be settled. */
  get size(): number {
    return this.#entries.size
  }

  /** Tokens that a response of `model` comes to, by those of `tenant` that were settled; 0 where none was. */
  lengthOf(tenant: string, model: string): number {
    return this.#lengths.of(tenant, model)
  }

  has(holder: Holder, id: string): boolean {
    return this.#entries.has(keyOf(holder, id))
  }

  /** Takes note of a response that was charged by an estimate. */
  hold(holder: Holder, id: string, estimate: Estimate): void {
    const key = keyOf(holder, id)
    // An id that comes again names another response.
    this.#lapse(key)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < entriesMax) break
      this.#lapse(oldest)
    }
    this.#entries.set(key, { estimate, sinceMs: this.#parts.clock.now() })
    this.#watch()
  }

  /** Charges the difference; undefined where there is no estimate of the response, or no more. */
  settle(holder: Holder, id: string, facts: FinalFacts): Late | undefined {
    const key = keyOf(holder, id)
    const estimate = this.#entries.get(key)?.estimate
    if (estimate === undefined) return undefined
    this.#entries.delete(key)
    const { labels, price, seller, admission, earlier, call } = estimate
    this.#lengths.learn(holder.tenant, labels.model, facts.usage.output)
    const usage = plusUsage(facts.usage, earlier)
    const { modifiers, usageObject } = facts
    const cost = costOf({ usage, price, modifiers, reported: reportedCost(seller, usageObject) })
    const picoUsd = cost.kind === 'known' ? cost.amount : undefined
    // A shared store that is gone says so itself.
    void admission?.amend(spentOn({ hasReached: true, usage, picoUsd }))
    this.#parts.onCounted(labels, usage, cost)
    return {
      call,
      usage: minusUsage(usage, estimate.usage),
      cost: minusCost(cost, estimate.cost),
    }
  }

  /** The estimates stand. */
  close(): void {
    this.#undo?.()
    for (const key of this.#entries.keys()) this.#lapse(key)
  }

  #lapse(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    const { labels, usage, cost } = entry.estimate
    this.#parts.onCounted(labels, usage, cost)
  }

  #watch(): void {
    const { clock } = this.#parts
    const [oldest] = this.#entries.values()
    if (this.#undo !== undefined || oldest === undefined) return
    this.#undo = clock.after(oldest.sinceMs + ageMaxMs - clock.now(), () => {
      this.#undo = undefined
      const untilMs = clock.now() - ageMaxMs
      for (const [key, { sinceMs }] of this.#entries) if (sinceMs <= untilMs) this.#lapse(key)
      this.#watch()
    })
  }
}

function keyOf({ tenant, credential }: Holder, id: string): string {
  return JSON.stringify([tenant, credential, id])
}

function minusUsage(one: Usage, other: Usage): Usage {
  return {
    input: one.input - other.input,
    cached: one.cached - other.cached,
    cacheWrite: one.cacheWrite - other.cacheWrite,
    cacheWrite1h: one.cacheWrite1h - other.cacheWrite1h,
    output: one.output - other.output,
    reasoning: one.reasoning - other.reasoning,
    isExact: one.isExact,
  }
}

function minusCost(cost: Cost, charged: Cost | undefined): Cost {
  if (cost.kind === 'unknown' || charged?.kind !== 'known') return cost
  return { ...cost, amount: cost.amount - charged.amount }
}
