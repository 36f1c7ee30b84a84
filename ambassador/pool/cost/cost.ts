/** What one call at one replica costs, in milliseconds of that replica's time. */
export interface CostTerms {
  /** Prefill that stands before it. */
  readonly queuedMs: number
  /** Its own prefill: what the replica has not cached. */
  readonly ownMs: number
  /** What its prefix takes of the cache that others would have used. */
  readonly spreadMs: number
  /** What the calls beside it lose, and it by them. */
  readonly runningMs: number
  /** Loading its adapter. */
  readonly adapterMs: number
}

/** The one number that replicas are compared by. */
export function costOf(terms: CostTerms): number {
  return terms.queuedMs + terms.ownMs + terms.spreadMs + terms.runningMs + terms.adapterMs
}
