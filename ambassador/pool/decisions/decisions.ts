import type { Clock } from '#shared/call/clock.ts'
import type { AmbassadorCall } from '../../call.ts'
import { costOf } from '../cost/cost.ts'
import type { Wish } from '../dispatch/chooser.ts'
import type { Member } from '../dispatch/member.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Binding } from '../dispatch/router.ts'
import type { PlacementTier } from '../placing/placement.ts'
import type { Feedback } from '../signals/feedback.ts'
import { type DecisionLine, decisionLine } from './decision-line.ts'
import { DecisionRecord } from './decision-record.ts'
import type { DecisionView, HoldReason } from './decision-view.ts'
import { FoundShares } from './found-shares.ts'
import type { DecisionRecorder, PolicyChoice, Weighing } from './recorder.ts'
import { SampleSeal } from './sealed-samples.ts'
import { Sheet } from './sheet.ts'
import { candidatesMax, cheapest, holdReasonOf, plainRow, weighedRow } from './weighed.ts'

/** Decisions that are remembered: about 4 MB at 64 replicas. */
const recordsMax = 1_024
/** Calls that wait and whose reason is remembered. */
const holdsMax = 16_384
/** Candidates of one decision that are told among others. */
const costsMax = 8

/** A call that has got its place. */
interface PlacedFacts {
  readonly context: EndingCall
  readonly heldMs: number
  readonly tier: PlacementTier
  readonly blockTokens: number
}

type EndingCall = Pick<
  AmbassadorCall,
  | 'model'
  | 'isStream'
  | 'firstContentMs'
  | 'usage'
  | 'streamWatch'
  | 'error'
  | 'cancellation'
  | 'replicasTried'
  | 'atEnd'
>

/** The last decisions of a pool, and what came of them. */
export class Decisions implements DecisionRecorder {
  readonly #clock: Pick<Clock, 'now' | 'wall'>
  /** Under which name costs decide. */
  policy = ''
  /** Told of each call at its end; undefined where nobody listens. */
  onLine: ((line: DecisionLine) => void) | undefined
  /** In the order in which they were made, from `#next` on. */
  readonly #records: DecisionRecord[] = []
  #next = 0
  readonly #byCall = new WeakMap<PoolCall, DecisionRecord>()
  /** The last one of each call that has its place. */
  readonly #placed = new WeakMap<EndingCall, DecisionRecord>()
  readonly #shares = new FoundShares()
  readonly #seal = new SampleSeal()
  /** By call id: a call that is submitted anew still waits for what it waited for. */
  readonly #holds = new Map<string, HoldReason>()

  constructor(clock: Pick<Clock, 'now' | 'wall'>) {
    this.#clock = clock
  }

  held(wish: Wish, weighing: Weighing): void {
    const { id } = wish.call
    if (this.#holds.has(id)) return
    for (const oldest of this.#holds.keys()) {
      if (this.#holds.size < holdsMax) break
      this.#holds.delete(oldest)
    }
    this.#holds.set(id, holdReasonOf(wish, weighing))
  }

  bound(wish: Wish, chosen: Member, weighing: Weighing): void {
    const members = weighing.parts.members()
    const told = cheapest(members, chosen, (member) => costOf(weighing.chooser.terms(wish, member)))
    const sheet = this.#newSheet(told.length)
    for (const member of told) sheet.add(member.origin, weighedRow(wish, member, weighing))
    this.#add(wish.call, { policy: this.policy, chosen, sheet, candidates: members.length })
  }

  boundBy(choice: PolicyChoice): void {
    const { call, policy, chosen, members } = choice
    const told = cheapest(members, chosen, ({ inFlight }) => inFlight)
    const sheet = this.#newSheet(told.length)
    for (const member of told) sheet.add(member.origin, plainRow(choice, member))
    this.#add(call, { policy, chosen, sheet, candidates: members.length })
  }

  /** The call has its place; what comes of it is written down when it ends, and told. */
  placed({ member, entry: { call } }: Binding, facts: PlacedFacts): void {
    const record = this.#byCall.get(call)
    if (record === undefined) return
    const { context, heldMs, tier, blockTokens } = facts
    // A stream that goes on elsewhere may last long yet: where it was cut, it has ended.
    this.#placed.get(context)?.ended(context, false)
    this.#placed.set(context, record)
    const atMs = this.#clock.now()
    record.place = { at: this.#clock.wall() - heldMs, heldMs, tier, model: context.model }
    const before = context.replicasTried.length
    const { capacityBlocks } = member
    context.atEnd.push(() => {
      const isLast = context.replicasTried.length <= before + 1
      if (record.end === undefined) record.ended(context, isLast)
      if (!isLast || this.onLine === undefined) return
      const durationMs = this.#clock.now() - atMs + heldMs
      const kvBlocks = Number.isFinite(capacityBlocks) ? capacityBlocks : undefined
      const seal = this.#seal
      this.onLine(decisionLine(record, { call, blockTokens, seal, kvBlocks, durationMs }))
    })
  }

  /** Tokens of an answer: thought to be cached at the replica, and found so. */
  found(replica: string, predicted: number, found: number): void {
    this.#shares.add(replica, predicted, found)
  }

  /** Part of what was thought to be cached at a replica that it found lately, 0 to 1. */
  trustIn(replica: string): number | undefined {
    return this.#shares.of(replica)
  }

  /** What its answer said. */
  heard(call: PoolCall, { cachedTokens, promptTokens }: Feedback): void {
    const record = this.#byCall.get(call)
    if (record !== undefined) record.reported = { cachedTokens, promptTokens }
  }

  /** The last ones, newest first, each with its cheapest candidates. */
  latest(count: number): readonly DecisionView[] {
    return this.#inOrder()
      .slice(-count)
      .toReversed()
      .map((record) => record.view(costsMax))
  }

  /** Every place that a call was given, in order, with all that is known; empty where it is forgotten. */
  of(id: string): readonly DecisionView[] {
    return this.#inOrder()
      .filter((record) => record.id === id)
      .map((record) => record.view(candidatesMax))
  }

  #inOrder(): readonly DecisionRecord[] {
    return [...this.#records.slice(this.#next), ...this.#records.slice(0, this.#next)]
  }

  /** Forgets the oldest decision where there are as many as may be: its memory is used again. */
  #newSheet(candidates: number): Sheet {
    return new Sheet(candidates, this.#records[this.#next]?.sheet)
  }

  #add(call: PoolCall, { chosen, ...made }: Made): void {
    const heldFor = this.#holds.get(call.id) ?? 'none'
    this.#holds.delete(call.id)
    const sharedTokens = made.sheet.mostCached
    const replica = chosen.origin
    const record = new DecisionRecord({ ...made, call, replica, heldFor, sharedTokens })
    this.#byCall.set(call, record)
    this.#records[this.#next] = record
    this.#next = (this.#next + 1) % recordsMax
  }
}

interface Made {
  readonly policy: string
  readonly chosen: Member
  readonly sheet: Sheet
  readonly candidates: number
}
