import type { Clock } from '#shared/call/clock.ts'
import { assumedRates } from '../cost/prefill-cost.ts'
import type { DecisionRecorder } from '../decisions/recorder.ts'
import { EarlyBinding } from '../dispatch/early-binding.ts'
import { LateBinding } from '../dispatch/late-binding.ts'
import { Member } from '../dispatch/member.ts'
import type { Router } from '../dispatch/router.ts'
import { fair, fast } from '../dispatch/settings.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { Policy } from '../policies/policy.ts'
import { type PolicyName, policyNamed } from '../policies/policy-named.ts'
import { agedPriorityDefaults } from '../policies/vllm-priority.ts'
import { PrefixIndex } from '../prefix/prefix-index.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import { elsewhere } from './elsewhere.ts'

/** How calls are placed: by one of our own two settings, or by a policy others use, under its name. */
export type DispatchPolicy = 'fair' | 'fast' | PolicyName

interface DeskParts {
  readonly clock: Clock
  readonly policy: DispatchPolicy
  /** Tokens in a block, as the replicas cache them. */
  readonly blockTokens: number
  /** Those that may take the call at hand, the preferred of equals first; never empty while asked. */
  readonly members: () => readonly Member[]
  /** Told of every decision. */
  readonly recorder: DecisionRecorder
  /** What lower classes get of the replicas' time while higher ones wait, 0 to below 1. */
  readonly lowerShare: () => number
  /** Classes by rank, the first goes first. */
  readonly classes: readonly string[]
}

/** Blocks of all replicas together that are remembered: 200 MB at worst. */
const blocksMax = 2 ** 21

/**
 * Blocks of a replica that does not say: a KV cache of some 400,000 tokens, that of an
 * 8-billion-parameter model on one H100.
 */
const assumedTokens = 409_600

/**
 * Everything that is counted in blocks of one size: what replicas hold, what is in flight, and who
 * decides by it. Replicas with blocks of another size get another desk; the calls of the one before end
 * there.
 */
export class Desk {
  readonly blockTokens: number
  readonly index = new PrefixIndex({ blocksMax })
  readonly ledger: Ledger
  /** Places at once a call that another replica has failed: it has had its turn. */
  readonly direct: Router
  /** Places at once by the beginning of the prompt alone. */
  readonly hashed: Router
  /** Whether calls may wait. */
  readonly isLate: boolean
  readonly #policies: readonly Policy[]
  readonly #routerOf: (classes: readonly string[]) => Router
  #router: Router
  readonly #members = new Map<string, Member>()
  readonly #freeSlots: number[] = []
  #slots = 0

  constructor(parts: DeskParts) {
    const { clock, policy, blockTokens, members, recorder, lowerShare, classes } = parts
    const { index } = this
    this.blockTokens = blockTokens
    this.ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
    const rates = assumedRates
    const common = { clock, ledger: this.ledger, index, members, blockTokens, rates, recorder }
    const other = elsewhere()
    const settings = policy === 'fair' ? fair : fast
    const hash = policyNamed('consistent-hashing-with-bounded-load', {
      random,
      blockTokens,
      // In a replica's queue they stand beside those that are placed by costs.
      priority: { ...agedPriorityDefaults, ageing: settings.ageing },
    })
    this.direct = new EarlyBinding({ ...common, policy: other })
    this.hashed = new EarlyBinding({ ...common, policy: hash })
    this.isLate = policy === 'fair' || policy === 'fast'
    if (policy === 'fair' || policy === 'fast') {
      const late = { ...common, settings, lowerShare }
      this.#routerOf = (ranked) => new LateBinding({ ...late, classes: ranked })
      this.#router = this.#routerOf(classes)
      this.#policies = [hash]
      return
    }
    const named = policyNamed(policy, { random, blockTokens, priority: agedPriorityDefaults })
    const early = new EarlyBinding({ ...common, policy: named })
    this.#routerOf = () => early
    this.#router = early
    this.#policies = [hash, named]

    function random(): number {
      return clock.random()
    }
  }

  /** Places a call, at once or when there is room. */
  get router(): Router {
    return this.#router
  }

  /**
   * Takes over the ranks of classes, while nobody waits at the router: whoever does is taken back before.
   * What replicas hold and have in flight stays known; what tenants have had counts from nothing.
   */
  rank(classes: readonly string[]): void {
    this.#router = this.#routerOf(classes)
  }

  /** Undefined where it is not in the pool. */
  member(origin: string): Member | undefined {
    return this.#members.get(origin)
  }

  /** Who is in the pool from here on: those that stay keep what is known of them. */
  retain(origins: readonly string[]): void {
    const wanted = new Set(origins)
    for (const [origin, member] of this.#members) if (!wanted.has(origin)) this.#dismiss(member)
    for (const origin of wanted) if (!this.#members.has(origin)) this.#admit(origin)
  }

  /** What it says of itself. One block of its KV cache is never used. */
  observe(member: Member, signals: ReplicaSignals): void {
    const { slot, book } = member
    member.gauges = signals
    book.adapters.slots = signals.adapters?.max ?? book.adapters.slots
    if (signals.kvTokens === undefined) return
    const blocks = Math.max(1, Math.floor(signals.kvTokens / this.blockTokens) - 1)
    if (blocks !== member.capacityBlocks) {
      member.capacityBlocks = blocks
      this.index.resize(slot, blocks)
    }
    this.ledger.observe(slot, signals)
  }

  /** Its server has started anew: its cache is empty. */
  restarted(member: Member): void {
    const { slot, book } = member
    const capacity = this.index.capacity(slot)
    this.index.close(slot)
    this.index.open(slot, capacity)
    this.index.reserve(slot, book.tailBlocks)
    for (const policy of this.#policies) policy.forget?.(slot)
  }

  #admit(origin: string): void {
    const slot = this.#freeSlots.pop() ?? this.#slots++
    const blocks = Math.floor(assumedTokens / this.blockTokens)
    this.index.open(slot, blocks)
    const member = new Member(slot, origin, this.ledger.book(slot))
    // Or it would fit everything before its first page, and be flooded.
    member.capacityBlocks = blocks
    this.#members.set(origin, member)
  }

  /** Its calls go on, and count nowhere any more: the slot is the next one's. */
  #dismiss({ slot, origin }: Member): void {
    this.#members.delete(origin)
    for (const policy of this.#policies) policy.forget?.(slot)
    this.ledger.forget(slot)
    this.index.close(slot)
    this.#freeSlots.push(slot)
  }
}
