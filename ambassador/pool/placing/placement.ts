import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../call.ts'

/**
 * By what a call was placed. `full`: the tokens of its prompt and what its replica says of itself.
 * `bytes`: no tokens, the bytes of the prompt in their place. `blind`: its replica says nothing, so
 * that its capacity is not known. `hash`: what replicas have cached is not believed, and a hash of the
 * prompt’s beginning chooses.
 */
export const placementTiers = ['full', 'bytes', 'blind', 'hash'] as const
export type PlacementTier = (typeof placementTiers)[number]

/** A call’s place at a replica, from its sending to its end. */
export interface Placement {
  readonly origin: string
  /** How long the call was held before. */
  readonly heldMs: number
  readonly tier: PlacementTier
  /** Of the attempt there: cancelled with the call, and where the replica is found not to answer. */
  readonly cancellation: Cancellation
  /** What the replica is told in the body beside the caller’s own members, with its JSON. */
  readonly members: Readonly<Record<string, string>>
  /** The replica refuses a call with a `priority` and takes it without: it is told none any more. */
  refusesPriority(): void
  /** The replica does not know the call’s model: whether one that has not been tried does. */
  lacksModel(): boolean
  /** The replica is given the call’s adapter before the call goes out; a second time does nothing. */
  lacksAdapter(): void
  /** It has it, or could not be given it: the call goes out from here on. */
  hasAdapter(): void
  /** The replica has refused it for want of room: it gets less for a while. */
  full(): void
  /** What the head of an answer says of the replica’s load, where it says anything (ORCA). */
  loaded(report: string | undefined): void
  /** The body of its answer, followed: the place ends with it in whichever way. */
  follow(response: CallResponse, context: AmbassadorCall): Body
  /** However it ended; a second time does nothing. */
  end(): void
}
