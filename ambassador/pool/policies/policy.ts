import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Gauges } from '../signals/gauges.ts'

/** One replica as a policy may know it. */
export interface Candidate {
  /** Small and stable while the replica is in the pool; reused after it has left. */
  readonly slot: number
  readonly origin: string
  readonly gauges: Gauges
  /** Calls sent to it that have not ended. */
  readonly inFlight: number
  /** Prompt tokens sent to it whose first token has not come, without those it was thought to have cached. */
  readonly queuedTokens: number
}

/**
 * A rule that binds each call to a replica when it arrives. One object serves one pool: it may keep
 * an index of its own.
 */
export interface Policy {
  /** Its published name. */
  readonly name: string
  /** One of `candidates`, which are never empty. */
  choose(call: PoolCall, candidates: readonly Candidate[]): Candidate
  /** What vLLM is told as `priority` (smaller is sooner); undefined to say nothing. */
  priorityOf?(call: PoolCall): number
  /** The replica has left, or has come back with nothing in its cache. */
  forget?(slot: number): void
}
