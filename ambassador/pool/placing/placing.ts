import { randomFillSync } from '#shared/builtins.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Member } from '../dispatch/member.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Binding, Router } from '../dispatch/router.ts'
import type { HashSeed } from '../prefix/hash.ts'
import type { Feedback } from '../signals/feedback.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import { Desk } from './desk.ts'
import { foundBlocks } from './found-blocks.ts'
import { HitTrust } from './hit-trust.ts'
import { inTurn, noReplica } from './in-turn.ts'
import { KnownReplicas } from './known-replicas.ts'
import { PlacedCall } from './placed-call.ts'
import type { Placement, PlacementTier } from './placement.ts'
import type { PlacingParts, PlacingSettings } from './placing-settings.ts'
import { type PlacingView, viewOf } from './placing-view.ts'
import { chainOf, type Prompt, promptOf } from './prompt-of.ts'
import { Takers } from './takers.ts'
import { Tightened } from './tightened.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** A call that asks for a replica. */
interface Asked {
  readonly prompt: Prompt
  readonly context: AmbassadorCall
  readonly arrivedMs: number
}

/** Tokens in a block where no replica says: vLLM’s default. */
const blockTokensDefault = 16

/**
 * Gives each call of a pool its replica: at once where the best one has room, else when one has. Owns
 * what is known of the replicas, of what they have cached, and of what is in flight at them.
 */
export class Placing {
  readonly #parts: PlacingParts
  readonly #seed: HashSeed
  readonly #known: KnownReplicas
  readonly #waiting: WaitingCalls
  readonly #takers = new Takers()
  readonly #tightened = new Tightened()
  readonly #trust: HitTrust
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
    this.#seed = [first, second]
    this.#waiting = new WaitingCalls(settings.waiting)
    this.#trust = new HitTrust(clock)
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
    this.#desk = this.#newDesk(blockTokensDefault)
  }

  /** Takes over a configuration. Another policy begins with nothing known of what is in flight. */
  configure(settings: PlacingSettings): void {
    const isOther = settings.policy !== this.#settings.policy
    this.#settings = settings
    this.#waiting.limits = settings.waiting
    this.#known.configure(settings)
    if (isOther) this.#change(this.#desk.blockTokens)
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
    const prompt = await promptOf(request, context, (facts) => this.#known.idsOf(facts))
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
    return placement
  }

  /** Whether a replica is left that the call has not tried. */
  hasOther({ replicasTried }: AmbassadorCall): boolean {
    this.#refresh()
    return this.#takers.all.some(({ origin }) => !replicasTried.includes(origin))
  }

  /** Calls that wait, by class. */
  waitingOf(name: string): number {
    return this.#waiting.ofClass(name)
  }

  /** For statusz and metrics. */
  view(): PlacingView {
    const { tokens, replicas } = this.#known.view()
    return {
      policy: this.#settings.policy,
      blockTokens: this.#desk.blockTokens,
      isHashed: this.#trust.isLost,
      foundShare: this.#trust.share,
      tokens,
      waiting: {
        calls: this.#waiting.size,
        tokens: this.#waiting.tokens,
        bytes: this.#waiting.bytes,
      },
      replicas: this.#origins.flatMap((origin) => {
        const member = this.#desk.member(origin)
        const seen = replicas.get(origin)
        return member === undefined || seen === undefined ? [] : [viewOf(member, seen)]
      }),
    }
  }

  close(): void {
    this.#known.close()
    const why = 'Cannot wait for a replica: this process is ending'
    this.#waiting.refuseAll(new CallError('draining', why))
  }

  #elsewhere(asked: Asked): Promise<Placement> {
    return new Promise((resolve) => {
      this.#submit(asked, this.#desk.direct, resolve)
      // Calls that wait may go to any.
      this.#offered = this.#takers.all
    })
  }

  /** What is believed to be cached decides, while it is found to be. */
  #router(): Router {
    return this.#trust.isLost ? this.#desk.hashed : this.#desk.router
  }

  #submit(asked: Asked, router: Router, bound: (placement: Placement) => void) {
    const { context, prompt, arrivedMs } = asked
    const desk = this.#desk
    const call: PoolCall = {
      id: context.id,
      tokens: prompt.tokens,
      chain: chainOf(prompt, desk.blockTokens, this.#seed),
      adapter: this.#known.adapterOf(context.model),
      tenant: context.tenant,
      class: context.class,
      arrivedMs,
      outputMax: context.outputMax ?? Number.POSITIVE_INFINITY,
      session: context.session === undefined ? '' : `${context.tenant} ${context.session}`,
    }
    this.#offer(context)
    const takeBack = router.submit(call, (binding) => {
      bound(this.#placed(asked, desk, binding))
    })
    return { call, takeBack }
  }

  /** Policies of others have an order of their own, and their own chance. */
  #offer({ replicasTried }: AmbassadorCall): void {
    const { clock } = this.#parts
    if (replicasTried.length > 0) this.#offered = this.#takers.except(replicasTried)
    else if (this.#desk.isLate) this.#offered = this.#takers.turned(() => clock.random())
    else this.#offered = this.#takers.all
  }

  #placed(asked: Asked, desk: Desk, binding: Binding): Placement {
    const { clock } = this.#parts
    const { member } = binding
    return new PlacedCall({
      binding,
      ledger: desk.ledger,
      heldMs: clock.now() - asked.arrivedMs,
      tier: this.#tierOf(asked.prompt, member),
      onFull: () => this.#tightened.mark(member, clock.now()),
      onChange: () => this.changed(),
      onReport: (feedback, placed) => this.#heard(placed, feedback, { desk, prompt: asked.prompt }),
      onEnd: () => {
        desk.ledger.end(binding.entry)
        this.changed()
      },
    })
  }

  #tierOf({ ids }: Prompt, { origin }: Member): PlacementTier {
    if (this.#trust.isLost) return 'hash'
    if (!this.#known.isOpen(origin)) return 'blind'
    return ids?.kind === 'exact' ? 'full' : 'bytes'
  }

  #heard(
    placed: PlacedCall,
    feedback: Feedback,
    { desk, prompt }: { readonly desk: Desk; readonly prompt: Prompt },
  ): void {
    const { origin, predictedTokens, binding } = placed
    this.#known.heard(origin, feedback, prompt.ids)
    const { cachedTokens, promptTokens } = feedback
    if (cachedTokens === undefined || promptTokens === undefined) return
    const { hold } = binding.entry
    const blocks = foundBlocks({ prompt, cachedTokens, promptTokens }, desk.blockTokens)
    const isShort = blocks < hold.found && !placed.wasUnderWay(blocks)
    if (isShort) desk.index.audit(hold, blocks)
    this.#parts.meter.cached(predictedTokens, cachedTokens)
    this.#trust.record(predictedTokens, isShort ? cachedTokens : predictedTokens)
  }

  #scraped(origin: string, signals: ReplicaSignals): void {
    const blockTokens = this.#known.blockTokens(this.#desk.blockTokens)
    if (blockTokens !== this.#desk.blockTokens) this.#change(blockTokens)
    const member = this.#desk.member(origin)
    if (member === undefined) return
    this.#desk.observe(member, signals)
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
    const { clock } = this.#parts
    const { policy } = this.#settings
    return new Desk({ clock, policy, blockTokens, members: () => this.#offered })
  }

  #refresh(): void {
    const isLess = this.#takers.take(this.#groups())
    const { all } = this.#takers
    const nowMs = this.#parts.clock.now()
    for (const member of all) this.#tightened.apply(member, nowMs)
    if (all.length === 0) this.#waiting.refuseAll(noReplica(this.#origins.length))
    else if (isLess) this.#waiting.again(() => undefined)
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
