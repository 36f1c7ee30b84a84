import type { Clock } from '#shared/call/clock.ts'
import type { BreakerLimits } from '#shared/config/resilience-schema.ts'
import { Breaker, type BreakerChange, type BreakerReason } from './breaker.ts'
import type { BreakerState } from './circuit.ts'

/** Of whom a breaker is. */
export interface BreakerName {
  /** Empty where the provider needs none. */
  readonly credential: string
  readonly model: string
}

/** One line of statusz. */
export interface BreakerRow extends BreakerName {
  readonly state: BreakerState
  readonly reason: BreakerReason
  readonly forMs: number
  readonly nextProbeMs: number
}

export interface BreakersParts {
  readonly clock: Clock
  /** For metric and log. */
  readonly onChange: (name: BreakerName, change: BreakerChange) => void
  /** Kept at once, at most. */
  readonly breakersMax: number
}

interface Entry {
  readonly name: BreakerName
  readonly breaker: Breaker
}

/** The breakers of one ambassador: made when first asked for, forgotten when least lately used. */
export class Breakers {
  readonly #parts: BreakersParts
  /** By credential, then model; the last used stands last. */
  readonly #entries = new Map<string, Entry>()

  constructor(parts: BreakersParts) {
    this.#parts = parts
  }

  /** The breaker of a credential and model; a new one where `limits` have changed. */
  of(credential: string, model: string, limits: BreakerLimits): Breaker {
    const key = `${credential}\n${model}`
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      this.#entries.delete(key)
      if (isSame(entry.breaker.limits, limits)) {
        this.#entries.set(key, entry)
        return entry.breaker
      }
      entry.breaker.shutdown()
    }
    return this.#add(key, { credential, model }, limits)
  }

  get size(): number {
    return this.#entries.size
  }

  rows(): BreakerRow[] {
    return [...this.#entries.values()].map(({ name, breaker }) => ({
      ...name,
      state: breaker.state,
      reason: breaker.reason,
      forMs: breaker.forMs,
      nextProbeMs: breaker.nextProbeMs,
    }))
  }

  /**
   * Whether the provider can be reached: one that nothing is known of counts as reachable. A
   * condition to show, never a reason to be unready: all replicas would leave at once.
   */
  get isReachable(): boolean {
    for (const { breaker } of this.#entries.values()) if (breaker.state === 'closed') return true
    return this.#entries.size === 0
  }

  /** Ends every breaker and its timer. */
  close(): void {
    for (const { breaker } of this.#entries.values()) breaker.shutdown()
    this.#entries.clear()
  }

  #add(key: string, name: BreakerName, limits: BreakerLimits): Breaker {
    const { clock, breakersMax, onChange } = this.#parts
    if (this.#entries.size >= breakersMax) this.#forgetOne()
    const breaker = new Breaker(clock, limits, (change) => onChange(name, change))
    this.#entries.set(key, { name, breaker })
    return breaker
  }

  /** The least lately used that is closed: an open one still keeps calls away. */
  #forgetOne(): void {
    let victim: string | undefined
    for (const [key, { breaker }] of this.#entries) {
      victim ??= key
      if (breaker.state !== 'closed') continue
      victim = key
      break
    }
    if (victim === undefined) return
    this.#entries.get(victim)?.breaker.shutdown()
    this.#entries.delete(victim)
  }
}

function isSame(one: BreakerLimits, other: BreakerLimits): boolean {
  return (
    one === other ||
    (one.failures === other.failures &&
      one.errorPercent === other.errorPercent &&
      one.volume === other.volume &&
      one.window === other.window &&
      one.reset === other.reset &&
      one.slow === other.slow)
  )
}
