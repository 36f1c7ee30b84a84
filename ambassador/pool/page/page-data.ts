import type { CandidateView, DecisionView, WaitingView } from '../decisions/decision-view.ts'
import { termNames, termWords } from '../decisions/term-words.ts'
import type { TenantView } from '../fairness/tenant-views.ts'
import type { PlacedReplicaView, PlacingStatus } from '../placing/placing-view.ts'
import type { ReplicaView } from '../pool.ts'
import type { TimelineView } from './timeline.ts'

/** Decisions that the page shows, and candidates of each: it asks once a second. */
const decisionsMax = 24
const candidatesMax = 8

/**
 * Whether a replica takes calls, and where not, why. `unheard`: it does, though it did not tell of
 * itself last time. `silent`: its probes fail. `ejected`: its calls fail. `spared`: none of these.
 */
export type ReplicaState =
  | 'serving'
  | 'unheard'
  | 'asleep'
  | 'leaving'
  | 'ejected'
  | 'silent'
  | 'spared'

/** One row of the page. */
export interface PageReplica extends Omit<PlacingStatus['replicas'][number], 'notices'> {
  readonly state: ReplicaState
  /** Until it takes calls again; 0 where it is not out for its calls. */
  readonly ejectedMs: number
  readonly zone: string | undefined
}

/** A sentence that holds of some replicas. */
export interface PageNotice {
  readonly code: string
  readonly sentence: string
  readonly replicas: readonly string[]
}

/** What the page says of one candidate. */
export type PageCandidate = Pick<
  CandidateView,
  'replica' | 'total' | 'terms' | 'cachedTokens' | 'why'
>

/** A decision with its age, which is right whatever the clock of the reader says. */
export interface PageDecision extends Omit<DecisionView, 'costs'> {
  readonly ageMs: number
  readonly costs: readonly PageCandidate[]
}

/** All that the page shows, as `/pool.json` has it. */
export interface PageData {
  readonly provider: string
  readonly isDraining: boolean
  readonly pool: Omit<PlacingStatus, 'replicas' | 'waiting' | 'tenants' | 'decisions'>
  readonly waiting: WaitingView
  /** What they have had of the replicas' time, of each class those that wait most first. */
  readonly tenants: readonly TenantView[]
  readonly replicas: readonly PageReplica[]
  readonly notices: readonly PageNotice[]
  /** Newest first. */
  readonly decisions: readonly PageDecision[]
  /** The terms of a cost, in order. */
  readonly terms: readonly { readonly name: string; readonly words: string }[]
  readonly timeline: TimelineView
}

/** What the page is made from. */
export interface PageFacts {
  readonly provider: string
  readonly isDraining: boolean
  readonly status: PlacingStatus
  readonly health: readonly ReplicaView[]
  readonly timeline: TimelineView
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

/** Size: 80 KB at most with 64 replicas, mostly decisions. */
export function pageData({ provider, isDraining, status, ...facts }: PageFacts): PageData {
  const { replicas, waiting, tenants, decisions, ...pool } = status
  const health = new Map(facts.health.map((replica) => [replica.origin, replica]))
  return {
    provider,
    isDraining,
    pool,
    waiting,
    tenants,
    replicas: replicas.map((replica) => rowOf(replica, health.get(replica.origin))),
    notices: noticesOf(replicas),
    decisions: newestOf(decisions).map((decision) => ({
      ...decision,
      costs: decision.costs.slice(0, candidatesMax).map(rounded),
      ageMs: Math.max(0, facts.wallMs - boundAt(decision)),
    })),
    terms: termNames.map((name) => ({ name, words: termWords[name] })),
    timeline: facts.timeline,
  }
}

function rowOf(replica: PlacingStatus['replicas'][number], health?: ReplicaView): PageReplica {
  const { notices: _notices, ...row } = replica
  return {
    ...row,
    state: stateOf(replica, health),
    ejectedMs: health?.ejectedMs ?? 0,
    zone: health?.zone,
  }
}

/** The first that applies, what keeps calls away for longest first. */
function stateOf(
  { sleep, error }: Pick<PlacedReplicaView, 'sleep' | 'error'>,
  health?: ReplicaView,
): ReplicaState {
  if (sleep !== undefined && sleep !== 'awake') return 'asleep'
  if (health === undefined || health.isHealthy) return error === undefined ? 'serving' : 'unheard'
  if (health.isLeaving) return 'leaving'
  if (health.ejectedMs > 0) return 'ejected'
  return health.failures > 0 ? 'silent' : 'spared'
}

/** Each sentence once, with whom it holds of. */
function noticesOf(replicas: readonly PlacedReplicaView[]): PageNotice[] {
  const found = new Map<string, { code: string; sentence: string; replicas: string[] }>()
  const add = (code: string, sentence: string, origin: string) => {
    const notice = found.get(sentence) ?? { code, sentence, replicas: [] }
    notice.replicas.push(origin)
    found.set(sentence, notice)
  }
  for (const { origin, error, notices } of replicas) {
    if (error !== undefined) add('unheard', error, origin)
    for (const { code, sentence } of notices) add(code, sentence, origin)
  }
  return [...found.values()]
}

/** When it was made: of a held call long after its question. */
function boundAt({ at, heldMs }: DecisionView): number {
  return at + heldMs
}

function newestOf(decisions: readonly DecisionView[]): readonly DecisionView[] {
  return decisions.toSorted((one, other) => boundAt(other) - boundAt(one)).slice(0, decisionsMax)
}

/** A tenth of a millisecond is more than a person reads. */
function rounded({ replica, total, terms, cachedTokens, why }: CandidateView): PageCandidate {
  const told = { replica, cachedTokens, why }
  if (terms === undefined) return { ...told, total, terms }
  const short = { ...terms }
  for (const name of termNames) Object.assign(short, { [name]: tenths(terms[name]) })
  return { ...told, total: total === undefined ? undefined : tenths(total), terms: short }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
