import type { ReplicaBook } from '../ledger/replica-book.ts'
import type { Candidate } from '../policies/policy.ts'
import { type Gauges, unknownGauges } from '../signals/gauges.ts'

/** One replica of the pool, with all that the choice goes by. */
export class Member implements Candidate {
  readonly slot: number
  readonly origin: string
  readonly book: ReplicaBook
  gauges: Gauges = unknownGauges
  /** KV blocks of the index's size. */
  capacityBlocks = Number.POSITIVE_INFINITY
  /** Calls it runs at once (vLLM's `max_num_seqs`). */
  sequencesMax = Number.POSITIVE_INFINITY

  constructor(slot: number, origin: string, book: ReplicaBook) {
    this.slot = slot
    this.origin = origin
    this.book = book
  }

  get inFlight(): number {
    return this.book.inFlight
  }

  get queuedTokens(): number {
    return this.book.queuedTokens
  }
}
