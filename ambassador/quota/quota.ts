import type { Clock } from '#shared/call/clock.ts'
import { Alarm } from './alarm.ts'
import { type Choice, Credentials, type DimensionView } from './credentials.ts'
import { Departures } from './departures.ts'
import type { Source } from './forecast.ts'
import { type IntakeParts, waiterOf } from './intake.ts'
import type { Lane } from './lane.ts'
import { Line, type WaitingView } from './line.ts'
import { type QuotaOptions, termsOf, waitingMaxOf } from './options.ts'
import { Permit, type PermitParts } from './permit.ts'
import { Prospects } from './prospects.ts'
import { RateLimited, type RateLimitedReason } from './rate-limited.ts'
import type { Amounts, LimitShape } from './shape.ts'
import type { Waiter } from './waiter.ts'
import type { CredentialKey, Want } from './want.ts'

/** How often those who wait are looked at, whether they still wait for something. */
const reviewMs = 250
/** The same after a refusal: those that were on their way with it tell of the same wall. */
const reviewMsLeast = 50

export interface QuotaParts {
  readonly clock: Clock
  readonly shape: LimitShape
}

export type { DimensionView, QuotaOptions }

/**
 * A provider's limits, and the calls before them. A call goes at once where there is room and nobody
 * of its class or a better one waits; else it waits in a bounded line that is fair between tenants;
 * else it is refused at once, where the schedule says that it would wait in vain, and as soon as the
 * schedule says so where that changes. One timer serves all.
 */
export class Quota {
  readonly #clock: Clock
  readonly #credentials: Credentials
  readonly #prospects: Prospects
  readonly #intake: IntakeParts
  readonly #permitParts: PermitParts
  readonly #line: Line
  readonly #alarm: Alarm
  #options: QuotaOptions
  readonly #departures = new Departures()
  /** As many have left as may in this turn of the event loop: the timer brings the next. */
  #isResting = false
  #reviewAtMs = Infinity
  /** The last review that a refusal brought about. */
  #hurriedMs = -Infinity

  constructor({ clock, shape }: QuotaParts, options: QuotaOptions) {
    this.#clock = clock
    this.#credentials = new Credentials(shape, clock.random)
    this.#prospects = new Prospects(this.#credentials)
    this.#line = new Line(termsOf(options))
    this.#intake = {
      shape,
      credentials: this.#credentials,
      line: this.#line,
      familyOf: (model) => this.#options.families?.get(model),
    }
    this.#alarm = new Alarm(clock, () => {
      this.#isResting = false
      this.#pump()
    })
    this.#permitParts = {
      clock,
      shape,
      onRoom: () => this.#pump(),
      onRefusal: () => this.#reviewSoon(),
      onBar: () => this.#refuseStranded(),
    }
    this.#options = options
    this.configure(options)
  }

  /** Takes over a configuration; calls that wait stay, and those on their way settle as before. */
  configure(options: QuotaOptions): void {
    this.#options = options
    this.#line.configure(termsOf(options))
    this.#credentials.configure(options.credentials, this.#clock.now())
    this.#refuseStranded()
  }

  /** Whether nothing goes by a credential at present; without `model`, whichever it is for. */
  isBarred(key: CredentialKey, model = ''): boolean {
    const untilMs = this.#credentials.find(key)?.barredUntilMs(model) ?? -Infinity
    return untilMs > this.#clock.now()
  }

  /** Nothing goes by a credential until then, for one model or for all: it was refused. */
  bar(key: CredentialKey, untilMs: number, model: string | undefined): void {
    this.#credentials.find(key)?.bar(untilMs, model)
    this.#refuseStranded()
  }

  /**
   * The permit to send a call, at once or when its turn comes. Throws or rejects with `RateLimited`, or
   * with the reason with which the call was cancelled meanwhile. O(log n) in the calls that wait.
   */
  enter(want: Want): Permit | Promise<Permit> {
    want.cancellation.check()
    const nowMs = this.#clock.now()
    const waiter = waiterOf(this.#intake, want, nowMs)
    if (!waiter.lane.isPassing(waiter.queue)) {
      const choice = this.#credentials.choose(waiter, nowMs)
      if (choice.source !== undefined) {
        waiter.lane.arrive(waiter, nowMs)
        return this.#send(waiter, choice.source, choice.amounts)
      }
    }
    const refusal = this.#refusal(waiter, nowMs)
    if (refusal !== undefined) throw refusal
    waiter.lane.arrive(waiter, nowMs)
    return this.#wait(waiter, nowMs)
  }

  /** Each credential's dimensions as they are believed to be. */
  get dimensions(): DimensionView[] {
    return this.#credentials.views(this.#clock.now())
  }

  /** Calls that wait, by class, those by rank first. */
  get byClass(): ReadonlyMap<string, number> {
    return this.#line.byClass
  }

  get waiting(): WaitingView {
    return this.#line.view(this.#clock.now())
  }

  /** Refuses all that wait with `reason`, and leaves no timer. */
  close(reason: Error): void {
    for (const waiter of this.#line.waiters.slice()) {
      this.#line.leave(waiter)
      waiter.refuse(reason)
    }
    this.#departures.tellAll()
    this.#isResting = false
    this.#reviewAtMs = Infinity
    this.#alarm.stop()
  }

  #send(waiter: Waiter, source: Source, amounts: Amounts): Permit {
    waiter.lane.spend(waiter)
    const taken = this.#credentials.take(source, waiter, { amounts, nowMs: this.#clock.now() })
    return new Permit(this.#permitParts, { waiter, credential: source.credential, taken })
  }

  /** Why the call may not even wait; undefined where it may. */
  #refusal(waiter: Waiter, nowMs: number): RateLimited | undefined {
    const { want, queue, tenant } = waiter
    const excess = this.#excess(waiter, nowMs)
    if (excess !== undefined) return excess
    const most = waitingMaxOf(this.#options, queue.name)
    const prospect = this.#prospects.of(waiter, nowMs)
    if (prospect === undefined) return this.#refuse('no-credential', 0)
    const { expectedMs: waitMs, mostMs } = prospect
    waiter.forecastMs = prospect.forecastMs
    if (mostMs > want.patienceMs) return this.#refuse('patience', waitMs)
    if (this.#line.waiting(queue.name) >= most) return this.#refuse('queue-full', waitMs)
    const tenantMost = Math.max(1, Math.floor(most * this.#options.tenantShareMax))
    if (tenant.waiting >= tenantMost) return this.#refuse('tenant-queue-full', waitMs)
    return undefined
  }

  #refuse(reason: Exclude<RateLimitedReason, 'too-large'>, waitMs: number): RateLimited {
    return new RateLimited(reason, waitMs, this.#clock.random())
  }

  /** Undefined where the call may fit the limit of some credential. */
  #excess(waiter: Waiter, nowMs: number): RateLimited | undefined {
    const excess = this.#credentials.excess(waiter, nowMs)
    return excess && new RateLimited(excess, 0, this.#clock.random())
  }

  #wait(waiter: Waiter, nowMs: number): Promise<Permit> {
    if (this.#line.size === 0) this.#reviewAtMs = nowMs + reviewMs
    this.#line.join(waiter)
    const promise = new Promise<Permit>((grant, refuse) => {
      waiter.grant = grant
      waiter.refuse = refuse
    })
    waiter.undoCancel = waiter.want.cancellation.onCancel((reason) => {
      this.#line.leave(waiter)
      waiter.refuse(reason)
      this.#pump()
    })
    this.#pump()
    return promise
  }

  /** Lets go whoever can, and sets the timer for the next who will. */
  #pump(): void {
    if (this.#isResting) return
    // Most calls find nobody waiting, and then there is no timer either.
    const isIdle = this.#line.size === 0 && !this.#departures.isOwing
    if (isIdle && !this.#alarm.isSet) return
    const nowMs = this.#clock.now()
    this.#departures.begin()
    this.#expire(nowMs)
    if (nowMs >= this.#reviewAtMs) this.#review(nowMs)
    this.#departures.tell()
    let nextMs = Math.min(this.#line.first?.expiresMs ?? Infinity, this.#reviewAtMs)
    // Whose lane is first changes by chance, for lanes may share a credential's limits.
    const lanes = this.#line.busy
    const from = lanes.length > 1 ? Math.floor(this.#clock.random() * lanes.length) : 0
    for (let at = 0; at < lanes.length; at++) {
      const lane = lanes[(from + at) % lanes.length]
      if (lane !== undefined) nextMs = Math.min(nextMs, nowMs + this.#serve(lane, nowMs))
    }
    this.#isResting = this.#departures.isFull
    if (this.#isResting) nextMs = nowMs
    else if (this.#line.size === 0) nextMs = Infinity
    if (nextMs === Infinity) this.#alarm.stop()
    else this.#alarm.set(nextMs, nowMs)
  }

  /** Gives milliseconds until the lane should be served again. */
  #serve(lane: Lane, nowMs: number): number {
    let nextMs = Infinity
    for (const waiter of lane.aside.slice())
      nextMs = Math.min(nextMs, this.#try(waiter, nowMs).waitMs)
    while (!this.#departures.isFull) {
      const waiter = lane.peek()
      if (waiter === undefined) break
      const choice = this.#try(waiter, nowMs)
      if (choice.source !== undefined) continue
      nextMs = Math.min(nextMs, choice.waitMs)
      if (!choice.isOwnWish || !lane.hasRoomAside) break
      lane.putAside(waiter)
    }
    return nextMs
  }

  #try(waiter: Waiter, nowMs: number): Choice {
    const choice = this.#credentials.choose(waiter, nowMs)
    if (choice.source === undefined) return choice
    this.#departures.granted()
    this.#line.leave(waiter)
    waiter.lane.waited(waiter, nowMs)
    waiter.grant(this.#send(waiter, choice.source, choice.amounts))
    return choice
  }

  #expire(nowMs: number): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      if (waiter.expiresMs > nowMs) return
      waiter.lane.waited(waiter, nowMs)
      const { expectedMs = 0 } = this.#prospects.of(waiter, nowMs) ?? {}
      this.#turnAway(waiter, this.#refuse('patience', expectedMs))
    }
  }

  /** Whoever waits in vain by now need not wait to be told so. */
  #review(nowMs: number): void {
    for (const lane of this.#line.busy) {
      for (const { waiter, waitMs } of this.#prospects.hopeless(lane, nowMs)) {
        const excess = this.#excess(waiter, nowMs)
        this.#turnAway(waiter, excess ?? this.#refuse('patience', waitMs))
      }
    }
    this.#reviewAtMs = this.#line.size === 0 ? Infinity : nowMs + reviewMs
  }

  /** A refusal changes the prospects of all who wait. */
  #reviewSoon(): void {
    const nowMs = this.#clock.now()
    const soonMs = Math.max(nowMs, this.#hurriedMs + reviewMsLeast)
    if (soonMs === nowMs) this.#hurriedMs = nowMs
    if (this.#line.size > 0) this.#reviewAtMs = Math.min(this.#reviewAtMs, soonMs)
    this.#pump()
  }

  /** As one that came would be: those that wait for credentials that there are no more. */
  #refuseStranded(): void {
    const nowMs = this.#clock.now()
    for (const waiter of this.#line.waiters.slice()) {
      if (this.#credentials.sources(waiter, nowMs).length > 0) continue
      const excess = this.#excess(waiter, nowMs)
      this.#turnAway(waiter, excess ?? this.#refuse('no-credential', 0))
    }
    this.#pump()
  }

  #turnAway(waiter: Waiter, error: RateLimited): void {
    this.#line.leave(waiter)
    this.#departures.refuse(waiter, error)
  }
}
