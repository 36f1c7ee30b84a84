import type { LimitSpan } from '#shared/config/limit-schema.ts'
import { CalendarCounter } from './calendar.ts'
import type { Counter, Slot } from './counter.ts'
import { SlidingMinute } from './sliding-minute.ts'
import type { Charge, Excess, LimitStore, Settlement, Verdict } from './store.ts'

/** What one counter holds, as it can be written down and given back. */
export interface CounterState {
  readonly key: string
  readonly span: LimitSpan
  readonly slots: readonly Slot[]
}

/** A clock corrected by less than this stands still: network time steps by a second at most. */
const stepBackMs = 5_000

interface Held {
  readonly span: LimitSpan
  /** What was reserved before was counted by another, which has been forgotten. */
  readonly sinceMs: number
  readonly counter: Counter
}

/**
 * Counts in this process: exact for one replica, since nothing waits between the look and the
 * charge. Holds one counter per limit (and per served model where the limit asks for that) that has
 * been used. Cost: one map look-up and two additions per charge.
 */
export class MemoryStore implements LimitStore {
  readonly #counters = new Map<string, Held>()
  readonly #changed = new Set<string>()
  #nowMs = 0

  reserve(charges: readonly Charge[], wallMs: number): Verdict {
    const nowMs = this.#at(wallMs)
    const excesses = charges.flatMap((charge) => this.#excessOf(charge, nowMs))
    if (excesses.length > 0) return { isReserved: false, excesses }
    const standings = charges.map((charge) => {
      const counter = this.#counterOf(charge)
      counter.charge(charge.amount, nowMs)
      this.#changed.add(charge.key)
      return {
        remaining: charge.limit - counter.used(nowMs),
        fullAtMs: counter.fallsTo(0n, nowMs),
      }
    })
    return { isReserved: true, atMs: nowMs, standings }
  }

  settle({ charges, atMs, spent }: Settlement, wallMs: number): void {
    const nowMs = this.#at(wallMs)
    for (const [index, charge] of charges.entries()) {
      const difference = (spent[index] ?? charge.amount) - charge.amount
      const held = this.#counters.get(charge.key)
      // The limit may have been removed while the call ran.
      if (difference === 0n || held === undefined) continue
      if (difference > 0n) held.counter.charge(difference, nowMs)
      else if (atMs >= held.sinceMs) held.counter.takeBack(-difference, atMs, nowMs)
      this.#changed.add(charge.key)
    }
  }

  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#counters.keys()) {
      if (keys.has(key)) continue
      this.#counters.delete(key)
      this.#changed.delete(key)
    }
  }

  /** What counts under `key` at this time; zero where nothing was ever charged. */
  used(key: string, wallMs: number): bigint {
    return this.#counters.get(key)?.counter.used(this.#at(wallMs)) ?? 0n
  }

  /** Everything that counts at this time. */
  states(wallMs: number): CounterState[] {
    this.#changed.clear()
    return [...this.#counters.keys()].map((key) => this.#stateOf(key, wallMs))
  }

  /** What has changed since the last time either of these was asked. */
  changes(wallMs: number): CounterState[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed.map((key) => this.#stateOf(key, wallMs))
  }

  /**
   * Takes what was written down before, at the start: what is counted here already is truer. What
   * no longer counts at this time is left out.
   */
  restore(states: readonly CounterState[], wallMs: number): void {
    const nowMs = this.#at(wallMs)
    for (const { key, span, slots } of states) {
      if (this.#counters.has(key)) continue
      const counter = this.#counterOf({ key, span })
      // What lies ahead was used too, before the clock was set back: a span of the calendar keeps it.
      for (const [startMs, amount] of slots) {
        counter.charge(amount, span === 'minute' ? Math.min(startMs, nowMs) : startMs)
      }
      if (counter.used(nowMs) === 0n) this.#counters.delete(key)
    }
  }

  #excessOf(charge: Charge, nowMs: number): Excess[] {
    const { amount, limit } = charge
    const counter = this.#counterOf(charge)
    const used = counter.used(nowMs)
    if (used + amount <= limit) return []
    const fitsAtMs = amount > limit ? undefined : counter.fallsTo(limit - amount, nowMs)
    return [{ charge, used, fitsAtMs }]
  }

  #counterOf({ key, span }: Pick<Charge, 'key' | 'span'>): Counter {
    const held = this.#counters.get(key)
    if (held !== undefined) return held.counter
    const counter = span === 'minute' ? new SlidingMinute() : new CalendarCounter(span)
    this.#counters.set(key, { span, counter, sinceMs: this.#nowMs })
    return counter
  }

  #stateOf(key: string, wallMs: number): CounterState {
    const held = this.#counters.get(key)
    if (held === undefined) return { key, span: 'minute', slots: [] }
    return { key, span: held.span, slots: held.counter.slots(this.#at(wallMs)) }
  }

  /** Time that does not run backwards by small steps. */
  #at(wallMs: number): number {
    if (wallMs >= this.#nowMs || wallMs < this.#nowMs - stepBackMs) this.#nowMs = wallMs
    return this.#nowMs
  }
}
