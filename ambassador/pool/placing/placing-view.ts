import type { LeftOut } from '../admission/vitals.ts'
import type { DecisionView, WaitingView } from '../decisions/decision-view.ts'
import type { Decisions } from '../decisions/decisions.ts'
import { waitingView } from '../decisions/waiting-view.ts'
import type { Member } from '../dispatch/member.ts'
import type { Router } from '../dispatch/router.ts'
import type { TenantView } from '../fairness/tenant-views.ts'
import type { Notice } from '../signals/notices.ts'
import type { WatchedReplica } from '../signals/replica-watch.ts'
import type { DispatchPolicy } from './desk.ts'
import type { PoolTokensView } from './pool-tokens.ts'
import type { WaitingCalls } from './waiting-calls.ts'

/** Decisions on statusz, and tenants of each class. */
const decisionsTold = 20
const tenantsTold = 32

/** One replica, as calls are placed by it. */
export interface PlacedReplicaView {
  readonly origin: string
  /** Sent to it and not ended. */
  readonly inFlight: number
  /** Prompt tokens it has yet to compute. */
  readonly queuedTokens: number
  /** What it says: calls that run and wait there, and the part of its KV cache in use, 0 to 1. */
  readonly running: number
  readonly waiting: number
  readonly kvUsage: number
  /** KV blocks; undefined where it does not say, which is told as a notice. */
  readonly capacityBlocks: number | undefined
  /** Calls it is given at most: after it was full, for a time per token; undefined: any number. */
  readonly callsMax: number | undefined
  /** Why it is given no calls for what is seen of it, or one to try it; undefined where it is. */
  readonly leftOut?: LeftOut | undefined
  /** Part of its prompt tokens that it had cached lately; undefined where no prompt came. */
  readonly hitRate: number | undefined
  readonly sleep: string | undefined
  /** Of what it said last, in ms; undefined where it never did. */
  readonly ageMs: number | undefined
  /** Why it was not heard last time. */
  readonly error: string | undefined
  readonly notices: readonly Notice[]
}

/** A pool for statusz. */
export interface PlacingView {
  readonly policy: DispatchPolicy
  /** Tokens in a KV block. */
  readonly blockTokens: number
  /** Whether hits were so rarely where they were expected that a hash places calls for a while. */
  readonly isHashed: boolean
  /** Cached tokens found of those expected, 0 to 1; undefined while too little is known. */
  readonly foundShare: number | undefined
  readonly tokens: PoolTokensView
  /** Calls that wait, with their prompt tokens and the bytes of their bodies. */
  readonly waiting: { readonly calls: number; readonly tokens: number; readonly bytes: number }
  readonly replicas: readonly PlacedReplicaView[]
}

/** The same with who waits and how calls were placed, which takes longer to gather. */
export interface PlacingStatus extends Omit<PlacingView, 'waiting' | 'replicas'> {
  readonly waiting: WaitingView
  /** What tenants have had of the replicas' time; empty where the policy does not count it. */
  readonly tenants: readonly TenantView[]
  readonly replicas: readonly (PlacedReplicaView & {
    /** Part of what was thought to be cached there that it found lately, 0 to 1; undefined: not known. */
    readonly trust: number | undefined
  })[]
  /** The last ones, newest first. */
  readonly decisions: readonly DecisionView[]
}

/** What is known besides of calls and of who sends them. */
interface StatusParts {
  readonly waiting: WaitingCalls
  readonly decisions: Decisions
  readonly router: Router
}

export function statusOf(view: PlacingView, parts: StatusParts): PlacingStatus {
  const { waiting, decisions, router } = parts
  return {
    ...view,
    waiting: waitingView(waiting),
    tenants: router.tenants?.(tenantsTold) ?? [],
    replicas: view.replicas.map((replica) => {
      return { ...replica, trust: decisions.trustIn(replica.origin) }
    }),
    decisions: decisions.latest(decisionsTold),
  }
}

export function viewOf(
  member: Member,
  seen: WatchedReplica,
  leftOut: LeftOut | undefined,
): PlacedReplicaView {
  const { origin, inFlight, queuedTokens, capacityBlocks, sequencesMax } = member
  const { signals, ageMs, error, notices } = seen
  return {
    origin,
    inFlight,
    queuedTokens,
    running: signals.running,
    waiting: signals.waiting,
    kvUsage: signals.kvUsage,
    capacityBlocks: Number.isFinite(capacityBlocks) ? capacityBlocks : undefined,
    callsMax: Number.isFinite(sequencesMax) ? sequencesMax : undefined,
    leftOut,
    hitRate: signals.rates?.hitRate,
    sleep: signals.sleep,
    ageMs,
    error,
    notices,
  }
}
