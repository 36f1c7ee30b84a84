import type { AmbassadorCall } from '../../call.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { PlacementTier } from '../placing/placement.ts'
import type { CandidateView, DecisionEnd, DecisionView, HoldReason } from './decision-view.ts'
import type { Sheet } from './sheet.ts'

/** What is known of a place once it is given. */
export interface PlaceFacts {
  /** When the call came, in ms since 1970. */
  readonly at: number
  readonly heldMs: number
  readonly tier: PlacementTier
  readonly model: string
}

/** What the router decided. */
interface Decided {
  readonly call: Pick<PoolCall, 'id' | 'tenant' | 'class' | 'adapter' | 'tokens'>
  readonly policy: string
  readonly replica: string
  readonly heldFor: HoldReason
  readonly candidates: number
  readonly sheet: Sheet
  /** The most tokens of the prompt that any of them was thought to have. */
  readonly sharedTokens: number
}

type EndedCall = Pick<
  AmbassadorCall,
  'isStream' | 'firstContentMs' | 'usage' | 'streamWatch' | 'error' | 'cancellation'
>

const unplaced: PlaceFacts = { at: 0, heldMs: 0, tier: 'blind', model: '' }

/** One decision, in numbers until somebody asks. */
export class DecisionRecord {
  readonly #decided: Omit<Decided, 'call'>
  readonly id: string
  readonly #call: Pick<DecisionView, 'tenant' | 'class' | 'adapter' | 'promptTokens'>
  place = unplaced
  /** What the replica said it had cached of how much. */
  reported: Pick<DecisionEnd, 'cachedTokens' | 'promptTokens'> | undefined
  end: DecisionEnd | undefined

  constructor({ call, ...decided }: Decided) {
    // Without the call itself: its chain is as long as its prompt.
    this.id = call.id
    const { tenant, class: name, adapter, tokens } = call
    this.#call = { tenant, class: name, adapter, promptTokens: tokens }
    this.#decided = decided
  }

  get replica(): string {
    return this.#decided.replica
  }

  get sharedTokens(): number {
    return this.#decided.sharedTokens
  }

  get sheet(): Sheet {
    return this.#decided.sheet
  }

  /** The call has ended; `isLast`: with this place. */
  ended(context: EndedCall, isLast: boolean): void {
    const { isStream, firstContentMs, usage, streamWatch } = context
    const { cachedTokens, promptTokens } = this.reported ?? {}
    this.end = {
      outcome: isLast ? outcomeOf(context) : 'elsewhere',
      ttftMs: isLast && isStream ? firstContentMs : undefined,
      outputTokens: isLast ? (usage ?? streamWatch?.usage)?.output : undefined,
      cachedTokens,
      promptTokens,
    }
  }

  /** With `costsMax` candidates at most. */
  view(costsMax: number): DecisionView {
    const { policy, replica, heldFor, candidates, sheet } = this.#decided
    const all = sheet.views()
    const chosen = all.find((one) => one.replica === replica)
    const others = all.filter((one) => one !== chosen).toSorted(byCost)
    const [next] = others
    return {
      id: this.id,
      ...this.place,
      ...this.#call,
      policy,
      replica,
      heldFor,
      cachedTokens: chosen?.cachedTokens ?? 0,
      total: chosen?.total,
      runnerUp:
        next?.total === undefined ? undefined : { replica: next.replica, total: next.total },
      candidates,
      costs: [...(chosen === undefined ? [] : [chosen]), ...others].slice(0, costsMax),
      end: this.end,
    }
  }
}

function byCost(one: CandidateView, other: CandidateView): number {
  return (one.total ?? 0) - (other.total ?? 0)
}

function outcomeOf({ error, cancellation, firstContentMs, usage }: EndedCall): string {
  const failure = error ?? cancellation.reason
  if (failure !== undefined) return failure.code
  return firstContentMs === undefined && usage === undefined ? 'refused' : 'ok'
}
