import type { Clock } from '#shared/call/clock.ts'
import { Outliers, outlierDefaults } from '../breaker/outliers.ts'
import type { Replica } from './pool.ts'

/** How long a failure counts where nothing has been heard since: as long as a first ejection lasts. */
const failedForMs = 30_000

interface VerdictParts {
  readonly clock: Clock
  /** Told when a replica is put out for its calls, or is back. */
  readonly onOut: (replica: Pick<Replica, 'origin' | 'isHealthy'>) => void
}

/** What replicas do with their calls: who is out for failing them, and whether most of them fail. */
export class ReplicaVerdicts {
  readonly #parts: VerdictParts
  readonly #outliers: Outliers
  /** Who was told to be out. */
  readonly #toldOut = new Set<string>()
  /** Instants of the last failures, of those that have had no success since. */
  readonly #failedMs = new Map<string, number>()

  constructor(parts: VerdictParts) {
    this.#parts = parts
    this.#outliers = new Outliers(parts.clock, outlierDefaults)
  }

  /** Who there is; what is known of those who stay is kept. */
  retain(origins: readonly string[]): void {
    this.#outliers.retain(origins)
    for (const origin of this.#toldOut) if (!origins.includes(origin)) this.#toldOut.delete(origin)
    for (const origin of this.#failedMs.keys()) {
      if (!origins.includes(origin)) this.#failedMs.delete(origin)
    }
  }

  /** How an attempt ended; gives whether others may take calls than before. */
  record(origin: string, verdict: 'success' | 'failure', origins: Iterable<string>): boolean {
    this.#outliers.record(origin, verdict)
    if (verdict === 'success') this.#failedMs.delete(origin)
    else this.#failedMs.set(origin, this.#parts.clock.now())
    const mayDiffer = verdict === 'failure' || this.#toldOut.size > 0
    if (mayDiffer) this.#tellOut(origins)
    return mayDiffer
  }

  isOut(origin: string): boolean {
    return this.#outliers.isEjected(origin)
  }

  /** Until it is back, in ms; 0 while it is in. */
  untilBackMs(origin: string): number {
    return this.#outliers.untilBackMs(origin)
  }

  /** Whether more than half of `origins` failed the last call that ended there, lately. */
  isMostFailing(origins: readonly string[]): boolean {
    const sinceMs = this.#parts.clock.now() - failedForMs
    const failing = origins.filter((origin) => {
      const failedMs = this.#failedMs.get(origin)
      return failedMs !== undefined && failedMs >= sinceMs
    })
    return failing.length * 2 > origins.length
  }

  /** They come back by time alone, which is seen at the end of a call. */
  #tellOut(origins: Iterable<string>): void {
    for (const origin of origins) {
      const isOut = this.isOut(origin)
      if (isOut === this.#toldOut.has(origin)) continue
      if (isOut) this.#toldOut.add(origin)
      else this.#toldOut.delete(origin)
      this.#parts.onOut({ origin, isHealthy: !isOut })
    }
  }
}
