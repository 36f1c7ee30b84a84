import type { Clock } from '#shared/call/clock.ts'
import { keepNewest } from '#shared/keep-newest.ts'

/** How many Events a minute: in all, and about one namespace. */
export interface EventRates {
  readonly all: number
  readonly namespace: number
}

/** A rollout that is refused says so in a few; etcd keeps each for an hour. */
export const eventRates: EventRates = { all: 50, namespace: 10 }

/**
 * A namespace that was forgotten has its whole minute again. The one forgotten is the one that was
 * longest silent, and `all` lets fewer than these speak within a minute: nothing is gained by it.
 */
const namespacesMax = 1_000
const minuteMs = 60_000

interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

/** Token buckets, full at first: no namespace has more than its share of what may be written. */
export class EventBudget {
  readonly #clock: Pick<Clock, 'now'>
  readonly #rates: EventRates
  #all: Bucket
  /** Who spoke last is last. */
  readonly #namespaces = new Map<string, Bucket>()

  constructor(clock: Pick<Clock, 'now'>, rates: EventRates = eventRates) {
    this.#clock = clock
    this.#rates = rates
    this.#all = { tokens: rates.all, atMs: clock.now() }
  }

  /** How many namespaces are remembered: 0 to 1,000. */
  get size(): number {
    return this.#namespaces.size
  }

  /** Takes one from both buckets, or none from either. */
  take(namespace: string): boolean {
    const nowMs = this.#clock.now()
    const full: Bucket = { tokens: this.#rates.namespace, atMs: nowMs }
    const own = filled(this.#namespaces.get(namespace) ?? full, this.#rates.namespace, nowMs)
    const all = filled(this.#all, this.#rates.all, nowMs)
    if (own.tokens < 1 || all.tokens < 1) return false
    this.#all = { tokens: all.tokens - 1, atMs: nowMs }
    const left = { tokens: own.tokens - 1, atMs: nowMs }
    keepNewest(this.#namespaces, [namespace, left], namespacesMax)
    return true
  }
}

function filled({ tokens, atMs }: Bucket, perMinute: number, nowMs: number): Bucket {
  const gained = ((nowMs - atMs) / minuteMs) * perMinute
  return { tokens: Math.min(perMinute, tokens + gained), atMs: nowMs }
}
