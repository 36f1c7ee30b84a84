import type { BreakerMove } from './journal.ts'
import type { ProviderCount } from './provider-count.ts'

/** From one opening of a breaker to its next: what reached the provider. */
export interface OpenSpan {
  readonly credential: string
  readonly model: string
  readonly calls: number
}

/** The first opening of a breaker, and what had reached the provider with its key since `atStart`. */
export interface Opened {
  readonly credential: string
  readonly model: string
  readonly calls: number
}

type Counts = Promise<ProviderCount | undefined>

interface Opening {
  readonly move: BreakerMove
  readonly counted: Counts
}

/**
 * Asks a provider what it has counted whenever one of its breakers opens. From one opening to the
 * next lies one probe, which failed: whatever else the provider counted in between went past the
 * breaker.
 */
export class ProbeWatch {
  readonly #count: () => Counts
  readonly #keyOf: (credential: string) => string
  readonly #openings: Opening[] = []

  constructor(count: () => Counts, keyOf: (credential: string) => string) {
    this.#count = count
    this.#keyOf = keyOf
  }

  /** Told of every move of the provider's breakers. */
  move(move: BreakerMove): void {
    if (move.to === 'half-open') return
    // A closing ends the row: calls flow again before anybody could count.
    const counted = move.to === 'open' ? this.#count() : Promise.resolve(undefined)
    this.#openings.push({ move, counted })
  }

  /** What was counted between openings that follow each other. */
  async spans(): Promise<OpenSpan[]> {
    const last = new Map<string, Opening>()
    const spans: OpenSpan[] = []
    for (const opening of this.#openings) {
      const { credential, model } = opening.move
      const name = `${credential} ${model}`
      const before = last.get(name)
      last.set(name, opening)
      const from = this.#callsOf(await before?.counted, opening.move)
      const to = this.#callsOf(await opening.counted, opening.move)
      if (from !== undefined && to !== undefined) {
        spans.push({ credential, model, calls: to - from })
      }
    }
    return spans
  }

  /** First openings, by what the provider had counted when the fault began; none where it cannot say. */
  async firstOpenings(atStart: ProviderCount | undefined): Promise<Opened[]> {
    const first = new Map<string, Opened>()
    for (const { move, counted } of this.#openings) {
      const { credential, model } = move
      const name = `${credential} ${model}`
      const to = this.#callsOf(await counted, move)
      if (move.to !== 'open' || first.has(name) || to === undefined) continue
      const from = this.#callsOf(atStart, move)
      if (from !== undefined) first.set(name, { credential, model, calls: to - from })
    }
    return [...first.values()]
  }

  #callsOf(count: ProviderCount | undefined, { credential, model }: BreakerMove) {
    const key = this.#keyOf(credential)
    return count?.keys.find((row) => row.key === key && row.model === model)?.calls
  }
}
