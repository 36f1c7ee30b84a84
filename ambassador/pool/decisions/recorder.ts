import type { Chooser, ChooserParts, Wish } from '../dispatch/chooser.ts'
import type { Member } from '../dispatch/member.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** How a router weighs replicas, to be looked at while it decides. */
export interface Weighing {
  readonly parts: Pick<ChooserParts, 'members' | 'ledger' | 'blockTokens'>
  readonly chooser: Pick<Chooser, 'terms' | 'canTake' | 'needed'>
  /** Whether the replica is kept for another call. */
  readonly isKept: (wish: Wish, member: Member) => boolean
}

/** What a policy of others went by, and what it did not know. */
export interface PolicyChoice {
  readonly call: PoolCall
  readonly policy: string
  readonly chosen: Member
  readonly members: readonly Member[]
  /** Leading blocks that each slot holds. */
  readonly found: Int32Array
  readonly ledger: Pick<Ledger, 'heldBlocks'>
  readonly blockTokens: number
}

/** Told of every decision, before the ledger is. It copies numbers and keeps nothing that it is given. */
export interface DecisionRecorder {
  /** The call was not bound when it came. */
  held(wish: Wish, weighing: Weighing): void
  /** By what it costs. */
  bound(wish: Wish, chosen: Member, weighing: Weighing): void
  boundBy(choice: PolicyChoice): void
}
