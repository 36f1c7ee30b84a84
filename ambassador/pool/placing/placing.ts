import { randomFillSync } from '#shared/builtins.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Recall } from '../../limits/recall.ts'
import { PoolAdmission } from '../admission/pool-admission.ts'
import { Decisions } from '../decisions/decisions.ts'
import type { Member } from '../dispatch/member.ts'
import type { Router } from '../dispatch/router.ts'
import type { HashSeed } from '../prefix/hash.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import { Desk } from './desk.ts'
import { HitTrust } from './hit-trust.ts'
import { inTurn, noReplica } from './in-turn.ts'
import { KeptChains } from './kept-chains.ts'
import { KnownReplicas } from './known-replicas.ts'
import { orphaned, ownedBy } from './owned.ts'
import type { Placement } from './placement.ts'
import { type Asked, Placements } from './placements.ts'
import type { PlacingParts, PlacingSettings } from './placing-settings.ts'
import { type PlacingStatus, type PlacingView, statusOf, viewOf } from './placing-view.ts'
import { poolCallOf } from './pool-call-of.ts'
import { promptOf } from './prompt-of.ts'
import { Takers } from './takers.ts'
import { Tightened } from './tightened.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** Tokens in a block where no replica says: vLLM’s default. */
const blockTokensDefault = 16

/**
 * Gives each call of a pool its replica: at once where the best one has room, else when one has. Owns
 * what is known of the replicas, of what they have cached, and of what is in flight at them.
 */
export class Placing {
  readonly #parts: PlacingParts
  readonly #chains: KeptChains
  readonly #known: KnownReplicas
  readonly #placements: Placements
  readonly #waiting: WaitingCalls
  readonly #admission: PoolAdmission
  readonly #takers = new Takers((members) => this.#admission.vitals.able(members))
  readonly #tightened = new Tightened()
  readonly #trust: HitTrust
  /** Why calls are where they are. */
  readonly decisions: Decisions
  #settings: PlacingSettings
  #origins: readonly string[] = []
  #desk: Desk
  /** Whom the call under consideration is offered. */
  #offered: readonly Member[] = []

  constructor(parts: PlacingParts, settings: PlacingSettings) {
    this.#parts = parts
    this.#settings = settings
    const { clock, origins } = parts
    const [first = 0, second = 0] = randomFillSync(new Uint32Array(2))
    const seed: HashSeed = [first, second]
    this.#chains = new KeptChains(seed)
    this.#waiting = new WaitingCalls(settings.waiting, clock)
    this.#trust = new HitTrust(clock)
    this.decisions = new Decisions(clock)
    this.#tellDecisions()
    const onChange = () => this.changed()
    this.#admission = new PoolAdmission({ clock, meter: parts.meter, onChange }, settings)
    this.#known = new KnownReplicas(
      {
        clock,
        origins,
        takers: () => this.#takers.all.map(({ origin }) => origin),
        onScrape: (origin, signals) => this.#scraped(origin, signals),
        onRestart: (origin) => {
          const member = this.#desk.member(origin)
          if (member !== undefined) this.#desk.restarted(member)
        },
      },
      settings,
    )
    this.#placements = new Placements({
      ...parts,
      seed,
      known: this.#known,
      trust: this.#trust,
      tightened: this.#tightened,
      decisions: this.decisions,
      hasOther: (tried) => this.#takers.hasOther(tried),
      isPrioritized: () => this.#settings.priority,
      changed: () => this.changed(),
    })
    this.#desk = this.#newDesk(blockTokensDefault)
  }

  /** Takes over a configuration. Another policy begins with nothing known of what is in flight. */
  configure(settings: PlacingSettings): void {
    const isOther = settings.policy !== this.#settings.policy
    const isRanked = settings.ranks.join() === this.#settings.ranks.join()
    this.#settings = settings
    this.#waiting.limits = settings.waiting
    this.#admission.configure(settings)
    this.#known.configure(settings)
    this.#tellDecisions()
    if (isOther) this.#change(this.#desk.blockTokens)
    else if (!isRanked) this.#waiting.again(() => this.#desk.rank(settings.ranks))
  }

  /** Limits of tenants may have fallen: calls that wait and are beyond them leave. */
  recall(recalled: Pick<Recall, 'of'>): void {
    this.#waiting.refuseWhere((call) => recalled.of(call))
  }

  /** Takes over who is in the pool. */
  follow(origins: readonly string[]): void {
    this.#origins = origins
    this.#desk.retain(origins)
    this.#known.follow(origins)
    this.changed()
  }

  /** Who takes calls may have changed, or what is in flight: calls that wait may fit. */
  changed(): void {
    this.#admission.changed()
    this.#refresh()
    if (this.#takers.all.length > 0) this.#desk.router.changed()
  }

  /**
   * A place for one attempt, after the call’s patience at most. A call that other replicas have failed
   * is placed at once, with one of the rest as far as there is a rest. Errors: `no-healthy-replica`,
   * `overloaded` where as much waits as may or its patience is over, and the reason of a cancelling.
   */
  async place(request: CallRequest, context: AmbassadorCall): Promise<Placement> {
    const arrivedMs = this.#parts.clock.now()
    const prompt = await promptOf(request, context, (...asked) => this.#known.idsOf(...asked))
    context.cancellation.check()
    this.#refresh()
    if (this.#takers.all.length === 0) throw noReplica(this.#origins.length)
    const asked = { prompt, context, arrivedMs }
    const placement =
      context.replicasTried.length > 0
        ? await this.#elsewhere(asked)
        : await inTurn({
            clock: this.#parts.clock,
            context,
            bytes: request.body.length,
            waiting: this.#waiting,
            submit: (bound) => this.#submit(asked, this.#router(), bound),
          })
    context.replicasTried.push(placement.origin)
    this.#parts.meter.placed(placement)
    return this.#known.equipped(placement, context)
  }

  /** Whether a replica is left that the call has not tried; of one that has an owner none is. */
  hasOther({ owner, replicasTried }: AmbassadorCall): boolean {
    this.#refresh()
    return owner === undefined && this.#takers.hasOther(replicasTried)
  }

  /** Calls that wait, by class in the order of their rank. */
  get waiting(): ReturnType<WaitingCalls['byClass']> {
    return this.#waiting.byClass(this.#settings.ranks)
  }

  /** For metrics. */
  view(): PlacingView {
    const { tokens, replicas } = this.#known.view()
    return {
      policy: this.#settings.policy,
      blockTokens: this.#desk.blockTokens,
      isHashed: this.#trust.isLost,
      foundShare: this.#trust.share,
      tokens,
      waiting: this.#waiting.view,
      replicas: this.#origins.flatMap((origin) => {
        const member = this.#desk.member(origin)
        const seen = replicas.get(origin)
        if (member === undefined || seen === undefined) return []
        return [viewOf(member, seen, this.#admission.vitals.whyNot(member))]
      }),
    }
  }

  /** For statusz. */
  status(): PlacingStatus {
    const { router } = this.#desk
    return statusOf(this.view(), { waiting: this.#waiting, decisions: this.decisions, router })
  }

  close(): void {
    this.#known.close()
    this.#admission.close()
    const why = 'Cannot wait for a replica: this process is ending'
    this.#waiting.refuseAll(new CallError('draining', why))
  }

  #elsewhere(asked: Asked): Promise<Placement> {
    return new Promise((resolve) => {
      this.#submit(asked, this.#desk.direct, resolve)
      this.#offered = this.#takers.all
    })
  }

  /** What is believed to be cached decides, while it is found to be. */
  #router(): Router {
    return this.#trust.isLost ? this.#desk.hashed : this.#desk.router
  }

  #submit(asked: Asked, router: Router, bound: (placement: Placement) => void) {
    const { context, prompt } = asked
    const desk = this.#desk
    const chain = this.#chains.of(prompt, desk.blockTokens)
    const adapter = this.#known.adapterOf(context.model)
    const mayServe = this.#known.servers(adapter, asked)
    const call = poolCallOf(asked, { chain, adapter, mayServe })
    context.adapter = adapter !== '' && this.#known.isAdapter(adapter) ? adapter : undefined
    this.#offer(context)
    this.#offered = this.#known.serving(adapter, asked, this.#offered)
    const entrance = this.#admission.enter(call, context)
    const takeBack = router.submit(call, (binding) => {
      const cancellation = entrance.bound(binding)
      bound(this.#placements.of({ asked, desk, chain, binding, cancellation }))
    })
    // Calls that wait may go to any.
    this.#offered = this.#takers.all
    return { call, entrance, takeBack }
  }

  /** Policies of others have an order of their own, and their own chance. */
  #offer({ owner, replicasTried }: AmbassadorCall): void {
    if (owner !== undefined) this.#offered = ownedBy(owner, this.#takers.all)
    else if (replicasTried.length > 0) this.#offered = this.#takers.except(replicasTried)
    else if (this.#desk.isLate)
      this.#offered = this.#takers.turned(() => this.#parts.clock.random())
    else this.#offered = this.#takers.all
  }

  #scraped(origin: string, signals: ReplicaSignals): void {
    const blockTokens = this.#known.blockTokens(this.#desk.blockTokens)
    if (blockTokens !== this.#desk.blockTokens) this.#change(blockTokens)
    const member = this.#desk.member(origin)
    if (member === undefined) return
    this.#desk.observe(member, signals)
    this.#admission.vitals.observe(member, signals)
    this.changed()
  }

  /** Another desk; the calls that are under way end at the one before. */
  #change(blockTokens: number): void {
    this.#waiting.again(() => {
      this.#desk = this.#newDesk(blockTokens)
      this.#desk.retain(this.#origins)
      for (const origin of this.#origins) {
        const member = this.#desk.member(origin)
        if (member !== undefined) this.#desk.observe(member, this.#known.of(origin))
      }
      this.#takers.take(this.#groups())
      if (this.#takers.all.length === 0) this.#waiting.refuseAll(noReplica(this.#origins.length))
    })
  }

  #newDesk(blockTokens: number): Desk {
    const { policy } = this.#settings
    const desk = new Desk({
      clock: this.#parts.clock,
      policy,
      blockTokens,
      members: () => this.#offered,
      recorder: this.decisions,
      lowerShare: () => this.#settings.lowerShare,
      classes: this.#settings.ranks,
    })
    return this.#admission.follow(desk, { policy, members: () => this.#takers.all })
  }

  #tellDecisions(): void {
    const { policy, decisions } = this.#settings
    this.decisions.policy = policy
    this.decisions.onLine = decisions ? this.#parts.onDecision : undefined
  }

  #refresh(): void {
    const isFewer = this.#takers.take(this.#groups())
    const { all } = this.#takers
    const nowMs = this.#parts.clock.now()
    this.#admission.limit(all)
    for (const member of all) this.#tightened.apply(member, nowMs)
    if (isFewer || all.length === 0) this.#waiting.refuseWhere(orphaned(all, this.#origins.length))
    this.#offered = all
  }

  #groups(): readonly (readonly Member[])[] {
    return this.#parts.able().map((origins) =>
      origins.flatMap((origin) => {
        const member = this.#desk.member(origin)
        return member === undefined || this.#known.isAsleep(origin) ? [] : [member]
      }),
    )
  }
}
