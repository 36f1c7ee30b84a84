import type { Family } from './account.ts'
import type { Credential } from './credential.ts'
import type { Supply } from './gauge.ts'
import type { Amounts, Unit } from './shape.ts'

/** A credential that could serve, and the gauges that it has for the calls in question. */
export interface Source {
  readonly credential: Credential
  readonly family: Family
}

/** One source as it is at the moment of asking. */
interface Opening {
  readonly opensMs: number
  readonly supplies: readonly Supply[]
}

/** What sources will have, as seen at one moment: any number of calls can be asked about. */
export class Outlook {
  readonly #units: readonly Unit[]
  /** Nothing goes before, whatever there is: so long every source is shut by its provider's word. */
  readonly shutMs: number
  /** Milliseconds between two places that fall free: they do so by chance. 0 where calls need none. */
  readonly grainMs: number
  /** The first to open first. */
  readonly #openings: readonly Opening[]
  readonly #hasShared: boolean

  constructor(sources: readonly Source[], nowMs: number) {
    const own = sources[0]?.family.gauges.map(({ dimension }) => dimension.unit) ?? []
    // A connection is a place like those that a provider counts.
    this.#units = [...own, 'concurrency']
    const supplies = new Supplies(nowMs)
    this.#openings = sources
      .map(({ credential, family }) => ({
        opensMs: Math.max(0, credential.blockedUntilMs - nowMs),
        supplies: [
          ...family.gauges.map((gauge) => supplies.of(gauge)),
          credential.connections === undefined ? endless : supplies.of(credential.connections),
        ],
      }))
      .toSorted((left, right) => left.opensMs - right.opensMs)
    this.#hasShared = supplies.hasShared
    let shutMs = Infinity
    for (const { opensMs, supplies } of this.#openings) {
      shutMs = Math.min(shutMs, Math.max(opensMs, ...supplies.map(({ closedMs }) => closedMs)))
    }
    this.shutMs = shutMs
    let grainMs = 0
    for (const [at, unit] of this.#units.entries()) {
      if (unit !== 'concurrency') continue
      const places = this.#openings.reduce((sum, opening, index) => {
        return sum + (this.#isCounted(index, at) ? 0 : placesOf(opening.supplies[at]))
      }, 0)
      if (places > 0) grainMs = Math.max(grainMs, 1 / places)
    }
    this.grainMs = grainMs
  }

  /**
   * Milliseconds until the sources together have room for `need` at their present rates, none of them
   * before its bar is lifted. Infinity where they never will. An estimate: nobody knows what calls on
   * their way come to, or when a place falls free.
   */
  waitMs(need: Amounts): number {
    let waitMs = Infinity
    for (const [at, { opensMs }] of this.#openings.entries()) {
      if (opensMs >= waitMs) break
      waitMs = Math.max(opensMs, this.#together(at + 1, need))
    }
    return waitMs
  }

  /** Whether an earlier source has the very same: it is there once, whoever takes of it. */
  #isCounted(source: number, at: number): boolean {
    if (!this.#hasShared) return false
    const supply = this.#openings[source]?.supplies[at]
    return this.#openings.slice(0, source).some(({ supplies }) => supplies[at] === supply)
  }

  /** Of the first `count` sources; the slowest dimension decides. */
  #together(count: number, need: Amounts): number {
    let waitMs = 0
    for (const [at, unit] of this.#units.entries()) {
      let level = 0
      let ratePerMs = 0
      let closedMs = Infinity
      for (let source = 0; source < count; source++) {
        const supply = this.#openings[source]?.supplies[at]
        if (supply === undefined || this.#isCounted(source, at)) continue
        level += supply.level
        ratePerMs += supply.ratePerMs
        closedMs = Math.min(closedMs, supply.closedMs)
      }
      // Whoever is ahead needs a place as well as the call itself.
      const short = need[unit === 'concurrency' ? 'requests' : unit] - level
      waitMs = Math.max(waitMs, closedMs, short <= 0 ? 0 : short / ratePerMs)
    }
    return waitMs
  }
}

/** What gauges have, each asked once: those of one account are the same for all of its credentials. */
class Supplies {
  readonly #nowMs: number
  readonly #known = new Map<Supplier, Supply>()
  hasShared = false

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  of(supplier: Supplier): Supply {
    const known = this.#known.get(supplier)
    if (known !== undefined) {
      this.hasShared = true
      return known
    }
    const supply = supplier.supply(this.#nowMs)
    this.#known.set(supplier, supply)
    return supply
  }
}

interface Supplier {
  supply(nowMs: number): Supply
}

const endless: Supply = { level: Infinity, ratePerMs: 0, closedMs: 0 }

/** What falls free per millisecond; 0 where that is no limit. */
function placesOf(supply: Supply | undefined): number {
  return supply === undefined || supply.level === Infinity ? 0 : supply.ratePerMs
}
