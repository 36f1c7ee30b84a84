import type { AmbassadorCall } from '../call.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'

/** What of a pool says where a call may go on, and what its failures say of the pool. */
export type FailingPool = Pick<ReplicaPool, 'hasOther' | 'isFailing'>

type FailedCall = Pick<AmbassadorCall, 'replica' | 'replicasTried'>

/**
 * How a call that a replica has failed goes on: at another one at once, `free` or taken from the
 * budget; `none`: as at any provider.
 */
export type Failover = 'free' | 'charged' | 'none'

/** Replicas that one call is sent to without a wait between: a question that breaks servers breaks few. */
const replicasMax = 3

/** Another server of the same kind may do better. */
const kinds: ReadonlySet<OutcomeKind> = new Set([
  'full',
  'overloaded',
  'transient',
  'unknown-outcome',
  'unsent',
])

/** A question that takes long may take as long elsewhere: under load a free second try would double it. */
const slowReasons: ReadonlySet<string> = new Set([
  'head-timeout',
  'first-content-timeout',
  'idle-timeout',
  'status-408',
  'status-504',
])

/**
 * How `context` goes on after `outcome`. The first other replica is free where the failure is clearly
 * the replica's own: one that dies fails all its calls at once, more than any budget holds.
 */
export function failoverOf(
  outcome: Pick<Outcome, 'kind' | 'reason'>,
  context: AmbassadorCall,
  pool: FailingPool | undefined,
): Failover {
  const { replica, replicasTried } = context
  if (pool === undefined || replica === undefined || !kinds.has(outcome.kind)) return 'none'
  if (replicasTried.length >= replicasMax || !pool.hasOther(context)) return 'none'
  return isFree(outcome.reason, context) ? 'free' : 'charged'
}

/** Whether the next replica is none of the budget's affair; `reason` as of an outcome or an error's code. */
export function isFree(reason: string, { replicasTried }: FailedCall): boolean {
  return replicasTried.length <= 1 && !slowReasons.has(reason)
}

/**
 * Whether the failure of an attempt says anything of the provider that the call was sent to. Of one
 * replica it says nothing of the pool, unless no other was left for the call, or most of them fail.
 */
export function isOfProvider(context: AmbassadorCall, pool: FailingPool | undefined): boolean {
  if (pool === undefined || context.replica === undefined) return true
  return pool.isFailing || !pool.hasOther(context)
}
