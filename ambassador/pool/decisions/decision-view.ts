import type { CostTerms } from '../cost/cost.ts'
import type { PlacementTier } from '../placing/placement.ts'

/**
 * Why a call was not bound when it came. `room`: its best replica had none. `kept`: those with room were
 * kept for larger calls. `turn`: there was room, but not for it yet. `none`: it was bound at once.
 */
export const holdReasons = ['none', 'room', 'kept', 'turn'] as const
export type HoldReason = (typeof holdReasons)[number]

/**
 * Why a replica could not begin with a call at once. `kv`: its KV cache. `queue`: the prompts that wait
 * there. `sequences`: the calls it runs. `adapters`: all that fit there have calls. `kept`: it was kept
 * for another call. `none`: it could.
 */
export const obstacles = ['none', 'kv', 'queue', 'sequences', 'adapters', 'kept'] as const
export type Obstacle = (typeof obstacles)[number]

/** One replica as the decision saw it. */
export interface CandidateView {
  /** Its origin. */
  readonly replica: string
  /** Milliseconds; undefined where a policy of others decided, which counts in no such currency. */
  readonly total: number | undefined
  /** What it is the sum of. */
  readonly terms: CostTerms | undefined
  /** Prompt tokens it was thought to have. */
  readonly cachedTokens: number
  readonly canTake: boolean
  readonly why: Obstacle
  /** KV blocks: held by live calls, to be found for this call, all; undefined where it does not say. */
  readonly heldBlocks: number
  readonly neededBlocks: number
  readonly capacityBlocks: number | undefined
  /** Prompt tokens it had yet to compute. */
  readonly queuedTokens: number
  readonly inFlight: number
  /** Calls it is given at most; undefined where nothing binds it. */
  readonly callsMax: number | undefined
}

/** What came of a call. */
export interface DecisionEnd {
  /** `ok`, the code of an error, or `elsewhere` where the call was sent again. */
  readonly outcome: string
  /** From the call’s head to its first content; undefined where it was not streamed. */
  readonly ttftMs: number | undefined
  readonly outputTokens: number | undefined
  /** Prompt tokens the replica says it had, and all of them; undefined where it does not say. */
  readonly cachedTokens: number | undefined
  readonly promptTokens: number | undefined
}

/** One call’s place and why it is there. No prompt, no key. */
export interface DecisionView {
  /** As the answer has it in `x-outrigger-call`. */
  readonly id: string
  /** When the call came, in ms since 1970. */
  readonly at: number
  readonly tenant: string
  readonly class: string
  readonly model: string
  /** Empty for the base model. */
  readonly adapter: string
  /** `fair` or `fast`, or the policy that decided. */
  readonly policy: string
  /** Origin of the chosen one. */
  readonly replica: string
  readonly heldMs: number
  readonly heldFor: HoldReason
  readonly tier: PlacementTier
  readonly promptTokens: number
  /** Thought to be cached at the chosen one. */
  readonly cachedTokens: number
  /** Of the chosen one; undefined where a policy of others decided. */
  readonly total: number | undefined
  /** Who would have been next; undefined where there was nobody, or no cost. */
  readonly runnerUp: { readonly replica: string; readonly total: number } | undefined
  /** Replicas there were to choose from. */
  readonly candidates: number
  /** The chosen one first, then by their cost; not all where there were many. */
  readonly costs: readonly CandidateView[]
  /** Undefined while the call goes on. */
  readonly end: DecisionEnd | undefined
}

/** Calls that wait, for statusz. */
export interface WaitingView {
  readonly calls: number
  /** Of their prompts. */
  readonly tokens: number
  /** Of their bodies. */
  readonly bytes: number
  readonly byClass: Readonly<Record<string, number>>
  /** Those with the most calls, 32 at most. */
  readonly byTenant: readonly {
    readonly tenant: string
    readonly calls: number
    readonly tokens: number
  }[]
}
