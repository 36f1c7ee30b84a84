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
  /** The latest configuration that asked for it. */
  generation: number
}

interface Opening {
  readonly key: string
  readonly name: BreakerName
  readonly generation: number
}

const none: ReadonlyMap<string, number> = new Map()

/** The breakers of one ambassador: made when first asked for, forgotten when least lately used. */
export class Breakers {
  readonly #parts: BreakersParts
  /** By credential, then model; the last used stands last. */
  readonly #entries = new Map<string, Entry>()
  /** Those of them that are not closed: mostly none, so that asking before each call costs nothing. */
  readonly #tripped = new Set<Entry>()
  /** By credential: the configuration that gave it its present key. */
  readonly #renewed = new Map<string, number>()

  constructor(parts: BreakersParts) {
    this.#parts = parts
  }

  /**
   * The breaker of a credential and model; a new one where a later configuration has other `limits`.
   * A call that began with an earlier one goes by those of the latest.
   */
  of(name: BreakerName, limits: BreakerLimits, generation: number): Breaker {
    const key = `${name.credential}\n${name.model}`
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      this.#entries.delete(key)
      if (generation < entry.generation || isSame(entry.breaker.limits, limits)) {
        entry.generation = Math.max(entry.generation, generation)
        this.#entries.set(key, entry)
        return entry.breaker
      }
      this.#end(entry)
    }
    return this.#add({ key, name, generation }, limits)
  }

  /**
   * Those that let no call to `model` through at present, with the time until a probe is due, in ms:
   * known before a call waits for anything else. Changes nothing.
   */
  refusing(model: string): ReadonlyMap<string, number> {
    if (this.#tripped.size === 0) return none
    const refusing = new Map<string, number>()
    for (const { name, breaker } of this.#tripped) {
      if (name.model !== model || breaker.isPassable) continue
      refusing.set(name.credential, breaker.nextProbeMs)
    }
    return refusing
  }

  /**
   * From configuration `generation` on, the credential is another key or stands elsewhere: what is
   * known of the former one says nothing about it.
   */
  renew(credential: string, generation: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.name.credential !== credential) continue
      this.#end(entry)
      this.#entries.delete(key)
    }
    this.#renewed.delete(credential)
    this.#renewed.set(credential, generation)
    if (this.#renewed.size <= this.#parts.breakersMax) return
    const [oldest] = this.#renewed.keys()
    if (oldest !== undefined) this.#renewed.delete(oldest)
  }

  /** Whether a call that began with configuration `generation` has a key that was replaced since. */
  isFormer(credential: string, generation: number): boolean {
    return generation < (this.#renewed.get(credential) ?? 0)
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
    this.#tripped.clear()
  }

  #add({ key, name, generation }: Opening, limits: BreakerLimits): Breaker {
    const { clock, breakersMax, onChange } = this.#parts
    if (this.#entries.size >= breakersMax) this.#forgetOne()
    const breaker = new Breaker(clock, limits, (change) => {
      if (change.to === 'closed') this.#tripped.delete(entry)
      else this.#tripped.add(entry)
      onChange(name, change)
    })
    const entry = { name, breaker, generation }
    this.#entries.set(key, entry)
    return breaker
  }

  #end(entry: Entry): void {
    this.#tripped.delete(entry)
    entry.breaker.shutdown()
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
    const entry = this.#entries.get(victim)
    if (entry !== undefined) this.#end(entry)
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
