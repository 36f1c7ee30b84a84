import type { Clock, Undo } from '#shared/call/clock.ts'
import type { CredentialOptions } from './credential.ts'
import { type Choice, Credentials } from './credentials.ts'
import { plus } from './fair-queue.ts'
import { forecast, type Source } from './forecast.ts'
import type { GaugeView } from './gauge.ts'
import { Heap } from './heap.ts'
import { Lane } from './lane.ts'
import { least } from './least.ts'
import { Permit, type PermitParts } from './permit.ts'
import { RateLimited, type RateLimitedReason } from './rate-limited.ts'
import type { Amounts, LimitShape } from './shape.ts'
import { Waiter } from './waiter.ts'
import type { CallClass, CredentialKey, Want } from './want.ts'

/** Families of models that wait apart; those beyond share the last line. */
const lanesMax = 64
/** Nobody asks whether a bucket holds so much: few are smaller, and gauges bound what is taken. */
const usualTokens = 8_000
/** A timer is not set for less: node's would not keep it. */
const timerMsLeast = 1

export interface QuotaOptions {
  readonly credentials: readonly CredentialOptions[]
  /** Calls of a class that wait at most. */
  readonly waitingMax: Readonly<Record<CallClass, number>>
  /** Share of them that may be one tenant's, above 0 to 1. */
  readonly tenantShareMax: number
  /** What batch gets of the tokens while interactive calls wait as well, from 0 to below 1. */
  readonly batchShare: number
}

export interface QuotaParts {
  readonly clock: Clock
  readonly shape: LimitShape
}

/** One dimension of one credential, for statusz and metrics. */
export interface DimensionView extends GaugeView {
  readonly credential: string
  /** The models that share it; empty where all of the credential's do. */
  readonly family: string
  readonly dimension: string
}

/** All that waits. Milliseconds. */
export interface WaitingView {
  readonly interactive: number
  readonly batch: number
  readonly oldestMs: number
}

/**
 * A provider's limits, and the calls before them. A call goes at once where there is room and nobody
 * of its class or a better one waits; else it waits in a bounded line that is fair between tenants;
 * else it is refused at once, where the schedule says that it would wait in vain. One timer serves all.
 */
export class Quota {
  readonly #clock: Clock
  readonly #shape: LimitShape
  readonly #credentials: Credentials
  readonly #permitParts: PermitParts
  readonly #lanes = new Map<string, Lane>()
  readonly #expiries = new Heap<Waiter>(({ expiresMs }) => expiresMs)
  readonly #waiting: Record<CallClass, number> = { interactive: 0, batch: 0 }
  #options: QuotaOptions
  #timerMs = Infinity
  #undoTimer: Undo = () => {}

  constructor({ clock, shape }: QuotaParts, options: QuotaOptions) {
    this.#clock = clock
    this.#shape = shape
    this.#credentials = new Credentials(shape, clock.random)
    const onRoom = () => this.#pump()
    this.#permitParts = { clock, shape, onRoom, onBar: () => this.#refuseStranded() }
    this.#options = options
    this.configure(options)
  }

  /** Takes over a configuration; calls that wait stay, and those on their way settle as before. */
  configure(options: QuotaOptions): void {
    this.#options = options
    for (const lane of this.#lanes.values()) lane.batchShare = options.batchShare
    this.#credentials.configure(options.credentials, this.#clock.now())
    this.#refuseStranded()
    this.#pump()
  }

  /** Whether nothing goes by a credential at present; without `model`, whichever it is for. */
  isBarred(key: CredentialKey, model = ''): boolean {
    const untilMs = this.#credentials.find(key)?.barredUntilMs(model) ?? -Infinity
    return untilMs > this.#clock.now()
  }

  /**
   * The permit to send a call, at once or when its turn comes. Throws or rejects with `RateLimited`, or
   * with the reason with which the call was cancelled meanwhile. O(log n) in the calls that wait.
   */
  enter(want: Want): Permit | Promise<Permit> {
    want.cancellation.check()
    const nowMs = this.#clock.now()
    const waiter = this.#waiter(want, nowMs)
    if (!waiter.lane.isPassing(want.class)) {
      const choice = this.#credentials.choose(waiter, nowMs)
      if (choice.source !== undefined) return this.#send(waiter, choice.source, choice.amounts)
    }
    const refusal = this.#refusal(waiter, nowMs)
    if (refusal !== undefined) throw refusal
    return this.#wait(waiter)
  }

  /** Each credential's dimensions as they are believed to be. */
  get dimensions(): DimensionView[] {
    const nowMs = this.#clock.now()
    const views: DimensionView[] = []
    for (const credential of this.#credentials.all) {
      for (const [family, gauge] of credential.gauges) {
        const { name: dimension } = gauge.dimension
        views.push({ credential: credential.name, family, dimension, ...gauge.view(nowMs) })
      }
    }
    return views
  }

  get waiting(): WaitingView {
    let enteredMs = Infinity
    for (const waiter of this.#expiries.items) enteredMs = Math.min(enteredMs, waiter.enteredMs)
    const oldestMs = enteredMs === Infinity ? 0 : this.#clock.now() - enteredMs
    return { ...this.#waiting, oldestMs }
  }

  /** Refuses all that wait with `reason`, and leaves no timer. */
  close(reason: Error): void {
    for (const waiter of this.#expiries.items.slice()) {
      this.#leave(waiter)
      waiter.refuse(reason)
    }
    this.#stopTimer()
  }

  #waiter(want: Want, nowMs: number): Waiter {
    const lane = this.#lane(this.#shape.familyOf(want.model))
    const tenant = lane.queue(want.class).tenant(want.tenant, want.weight)
    const expected = tenant.habits.expect(want)
    const warm = this.#shape.reserve(expected)
    const cold = expected.cached === 0 ? warm : this.#shape.reserve({ ...expected, cached: 0 })
    const net = this.#shape.final?.(expected) ?? warm
    if (Math.max(warm.tokens, cold.tokens, net.tokens) <= usualTokens) {
      return new Waiter(want, { lane, tenant, warm, cold, net }, nowMs)
    }
    // Larger than every bucket it goes when one is full, and the provider decides.
    const most = this.#credentials.largest(lane.name, nowMs)
    const place = { lane, tenant, net: least(net, most) }
    return new Waiter(want, { ...place, warm: least(warm, most), cold: least(cold, most) }, nowMs)
  }

  #lane(family: string): Lane {
    const known = this.#lanes.get(family)
    if (known !== undefined) return known
    const name = this.#lanes.size < lanesMax - 1 ? family : ''
    const lane = this.#lanes.get(name) ?? new Lane(name, this.#options.batchShare)
    this.#lanes.set(name, lane)
    return lane
  }

  #send(waiter: Waiter, source: Source, amounts: Amounts): Permit {
    waiter.lane.spend(waiter)
    const taken = this.#credentials.take(source, waiter, { amounts, nowMs: this.#clock.now() })
    return new Permit(this.#permitParts, { waiter, credential: source.credential, taken })
  }

  /** Why the call may not even wait; undefined where it may. */
  #refusal(waiter: Waiter, nowMs: number): RateLimited | undefined {
    const { want, tenant } = waiter
    const most = this.#options.waitingMax[want.class]
    const waitMs = this.#forecast(waiter, nowMs)
    if (waitMs === undefined) return this.#refuse('no-credential', 0)
    if (waitMs > want.patienceMs) return this.#refuse('patience', waitMs)
    if (this.#waiting[want.class] >= most) return this.#refuse('queue-full', waitMs)
    const tenantMost = Math.max(1, Math.floor(most * this.#options.tenantShareMax))
    if (tenant.waiting >= tenantMost) return this.#refuse('tenant-queue-full', waitMs)
    return undefined
  }

  #refuse(reason: RateLimitedReason, waitMs: number): RateLimited {
    return new RateLimited(reason, waitMs, this.#clock.random())
  }

  /** How long a call that comes last would wait; undefined where no credential may serve it. */
  #forecast(waiter: Waiter, nowMs: number): number | undefined {
    const { lane, want, warm } = waiter
    const sources = this.#credentials.sources(lane.name, want, nowMs)
    if (sources.length === 0) return undefined
    const need = plus(lane.aheadOf(waiter), warm, 1)
    return forecast(sources, need, nowMs)
  }

  #wait(waiter: Waiter): Promise<Permit> {
    waiter.lane.push(waiter)
    this.#waiting[waiter.want.class]++
    this.#expiries.add(waiter)
    const promise = new Promise<Permit>((grant, refuse) => {
      waiter.grant = grant
      waiter.refuse = refuse
    })
    waiter.undoCancel = waiter.want.cancellation.onCancel((reason) => {
      this.#leave(waiter)
      waiter.refuse(reason)
      this.#pump()
    })
    this.#pump()
    return promise
  }

  #leave(waiter: Waiter): void {
    waiter.lane.remove(waiter)
    this.#waiting[waiter.want.class]--
    this.#expiries.remove(waiter)
    waiter.undoCancel()
  }

  /** Lets go whoever can, and sets the timer for the next who will. */
  #pump(): void {
    // Most calls find nobody waiting, and then there is no timer either.
    if (this.#expiries.size === 0 && this.#timerMs === Infinity) return
    const nowMs = this.#clock.now()
    this.#expire(nowMs)
    let nextMs = this.#expiries.peek()?.expiresMs ?? Infinity
    // Whose lane is first changes by chance, for lanes may share a credential's limits.
    const lanes = [...this.#lanes.values()].filter(({ waiting }) => waiting > 0)
    const from = lanes.length > 1 ? Math.floor(this.#clock.random() * lanes.length) : 0
    for (let at = 0; at < lanes.length; at++) {
      const lane = lanes[(from + at) % lanes.length]
      if (lane !== undefined) nextMs = Math.min(nextMs, nowMs + this.#serve(lane, nowMs))
    }
    if (this.#expiries.size === 0) this.#stopTimer()
    else this.#setTimer(nextMs, nowMs)
  }

  /** Gives milliseconds until the lane should be served again. */
  #serve(lane: Lane, nowMs: number): number {
    let nextMs = Infinity
    for (const waiter of lane.aside.slice())
      nextMs = Math.min(nextMs, this.#try(waiter, nowMs).waitMs)
    for (let waiter = lane.peek(); waiter !== undefined; waiter = lane.peek()) {
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
    this.#leave(waiter)
    waiter.grant(this.#send(waiter, choice.source, choice.amounts))
    return choice
  }

  #expire(nowMs: number): void {
    for (let waiter = this.#expiries.peek(); waiter !== undefined; waiter = this.#expiries.peek()) {
      if (waiter.expiresMs > nowMs) return
      this.#leave(waiter)
      waiter.refuse(this.#refuse('patience', this.#forecast(waiter, nowMs) ?? 0))
    }
  }

  /** As one that came would be: those that wait for credentials that there are no more. */
  #refuseStranded(): void {
    const nowMs = this.#clock.now()
    for (const waiter of this.#expiries.items.slice()) {
      const { lane, want } = waiter
      if (this.#credentials.sources(lane.name, want, nowMs).length > 0) continue
      this.#leave(waiter)
      waiter.refuse(this.#refuse('no-credential', 0))
    }
  }

  #stopTimer(): void {
    this.#undoTimer()
    this.#undoTimer = () => {}
    this.#timerMs = Infinity
  }

  /** An earlier timer stays: it finds nothing to do, and sets the next. */
  #setTimer(atMs: number, nowMs: number): void {
    if (atMs >= this.#timerMs) return
    this.#undoTimer()
    this.#timerMs = atMs
    this.#undoTimer = this.#clock.after(Math.max(timerMsLeast, atMs - nowMs), () => {
      this.#timerMs = Infinity
      this.#pump()
    })
  }
}
