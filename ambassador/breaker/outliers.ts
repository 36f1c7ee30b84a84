import type { Clock } from '#shared/call/clock.ts'

/** Times in ms. Names and most values are those of Envoy's outlier detection. */
export interface OutlierLimits {
  /** Failures in a row that put a member out. */
  readonly failures: number
  /** Between two comparisons. */
  readonly intervalMs: number
  /** Attempts within an interval below which a share means nothing. */
  readonly volume: number
  /** How much lower than the others' a member's share of successes may be, in points. */
  readonly marginPercent: number
  /** The first time out; each further one is longer by as much. */
  readonly baseMs: number
  readonly maxMs: number
  /** Members out at once, at most; at least one, and never the last. */
  readonly ejectedPercent: number
}

export const outlierDefaults: OutlierLimits = {
  // Envoy's.
  failures: 5,
  intervalMs: 10_000,
  // Envoy's 100 is for calls of milliseconds.
  volume: 20,
  // Envoy compares with 1.9 standard deviations, which fewer than five members can never reach
  // (an outlier among n is at most the root of n - 1 away); a difference works from two on.
  marginPercent: 30,
  // Envoy's.
  baseMs: 30_000,
  maxMs: 300_000,
  // Envoy's 10 would protect large clusters; here are two to sixteen keys or addresses.
  ejectedPercent: 50,
}

interface Member {
  attempts: number
  successes: number
  failuresInRow: number
  /** Successes of all members before the first of these failures. */
  successesBefore: number
  /** Times put out lately; falls by one with each calm interval. */
  ejections: number
  /** Instant at which it is back; 0 while it is in. */
  untilMs: number
}

/** Share of successes of one interval. */
interface Tally {
  attempts: number
  successes: number
}

/**
 * Finds credentials or addresses that do worse than the others of their kind and puts them out for a
 * time that grows. What all of them do is no outlier: then nobody is put out, and the breakers
 * decide. No timers: everything is computed when asked.
 */
export class Outliers {
  readonly #clock: Clock
  readonly #limits: OutlierLimits
  #members = new Map<string, Member>()
  #comparedMs: number
  /** Of all members, ever: what came since is a difference. */
  #successes = 0

  constructor(clock: Clock, limits: OutlierLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#comparedMs = clock.now()
  }

  /** Who there is; what is known of those who stay is kept. */
  retain(names: readonly string[]): void {
    const kept = new Map<string, Member>()
    for (const name of names) kept.set(name, this.#members.get(name) ?? fresh())
    this.#members = kept
  }

  /** What is known of `name` is no longer true of it: it begins anew. */
  forget(name: string): void {
    if (this.#members.has(name)) this.#members.set(name, fresh())
  }

  /** The verdict on one attempt; of members only. Throttling and callers' errors are no verdicts. */
  record(name: string, verdict: 'success' | 'failure'): void {
    this.#compareDue()
    const member = this.#members.get(name)
    if (member === undefined) return
    member.attempts++
    if (verdict === 'success') {
      member.successes++
      member.failuresInRow = 0
      this.#successes++
      return
    }
    if (member.failuresInRow === 0) member.successesBefore = this.#successes
    member.failuresInRow++
    if (member.failuresInRow < this.#limits.failures) return
    // What the others did before says nothing: an outage of all begins with somebody's failures, while
    // the last answers of others still end well. Its failed calls go to the others, so they show it.
    const othersSince = this.#successes - member.successesBefore
    if (othersSince * 2 >= member.failuresInRow) this.#eject(member)
  }

  isEjected(name: string): boolean {
    return this.untilBackMs(name) > 0
  }

  /** Until the member is back, in ms; 0 while it is in. */
  untilBackMs(name: string): number {
    this.#compareDue()
    return Math.max(0, (this.#members.get(name)?.untilMs ?? 0) - this.#clock.now())
  }

  #compareDue(): void {
    const now = this.#clock.now()
    const { intervalMs } = this.#limits
    if (now - this.#comparedMs < intervalMs) return
    const beforeMs = this.#comparedMs
    this.#comparedMs += Math.floor((now - beforeMs) / intervalMs) * intervalMs
    // Compared before anything is forgotten, or the first ones would be gone for the last.
    const worse = [...this.#members.values()].filter((member) => this.#isWorse(member))
    for (const member of this.#members.values()) {
      const calmMs = this.#comparedMs - Math.max(member.untilMs, beforeMs)
      const calm = Math.max(0, Math.floor(calmMs / intervalMs))
      member.ejections = Math.max(0, member.ejections - calm)
      member.attempts = 0
      member.successes = 0
    }
    for (const member of worse) this.#eject(member)
  }

  #isWorse(member: Member): boolean {
    const { volume, marginPercent } = this.#limits
    const others = this.#others(member)
    if (member.attempts < volume || others.attempts < volume) return false
    return percent(member) < percent(others) - marginPercent
  }

  #others(member: Member): Tally {
    const sum = { attempts: 0, successes: 0 }
    for (const other of this.#members.values()) {
      if (other === member) continue
      sum.attempts += other.attempts
      sum.successes += other.successes
    }
    return sum
  }

  #eject(member: Member): void {
    const now = this.#clock.now()
    const { baseMs, maxMs, ejectedPercent } = this.#limits
    if (member.untilMs > now) return
    let out = 0
    for (const other of this.#members.values()) if (other.untilMs > now) out++
    const { size } = this.#members
    const outMax = Math.min(size - 1, Math.max(1, Math.floor((size * ejectedPercent) / 100)))
    if (out >= outMax) return
    member.ejections++
    member.failuresInRow = 0
    member.untilMs = now + Math.min(baseMs * member.ejections, maxMs)
  }
}

function fresh(): Member {
  return {
    attempts: 0,
    successes: 0,
    failuresInRow: 0,
    successesBefore: 0,
    ejections: 0,
    untilMs: 0,
  }
}

function percent({ attempts, successes }: Tally): number {
  return (100 * successes) / attempts
}
