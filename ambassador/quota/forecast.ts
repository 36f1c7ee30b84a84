import type { Credential, Family } from './credential.ts'
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

  constructor(sources: readonly Source[], nowMs: number) {
    this.#units = sources[0]?.family.gauges.map(({ dimension }) => dimension.unit) ?? []
    this.#openings = sources
      .map(({ credential, family }) => ({
        opensMs: Math.max(0, credential.blockedUntilMs - nowMs),
        supplies: family.gauges.map((gauge) => gauge.supply(nowMs)),
      }))
      .toSorted((left, right) => left.opensMs - right.opensMs)
    let shutMs = Infinity
    for (const { opensMs, supplies } of this.#openings) {
      shutMs = Math.min(shutMs, Math.max(opensMs, ...supplies.map(({ closedMs }) => closedMs)))
    }
    this.shutMs = shutMs
    const at = this.#units.indexOf('concurrency')
    const places = this.#openings.reduce((sum, { supplies }) => sum + placesOf(supplies[at]), 0)
    this.grainMs = places === 0 ? 0 : 1 / places
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

  /** Of the first `count` sources; the slowest dimension decides. */
  #together(count: number, need: Amounts): number {
    let waitMs = 0
    for (const [at, unit] of this.#units.entries()) {
      let level = 0
      let ratePerMs = 0
      let closedMs = Infinity
      for (let source = 0; source < count; source++) {
        const supply = this.#openings[source]?.supplies[at]
        if (supply === undefined) continue
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

/** What falls free per millisecond; 0 where that is no limit. */
function placesOf(supply: Supply | undefined): number {
  return supply === undefined || supply.level === Infinity ? 0 : supply.ratePerMs
}
