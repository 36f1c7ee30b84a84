import type { Clock } from '#shared/call/clock.ts'
import type { Connections } from '#shared/http/connections.ts'
import type { Trust } from '#shared/http/tls-trust.ts'

/** How long one is left alone after its first failed connection; twice as long after each further. */
const asideMsFirst = 1_000
/** A pod that was rescheduled has another address by then. */
const asideMsMax = 30_000
/** By how much of that it varies: the pods of a team must not come back in one moment. */
const spread = 0.25
/** A trial that has not ended by then has failed: longer than a connection takes to fail. */
export const trialMs = 5_000

/**
 * One server that calls can go to, and what this sidecar has seen of it. Good → aside, after a
 * connection that failed → on trial, by a question that no call waits for, when its time is up → good,
 * or aside for longer.
 */
export class Endpoint {
  /** host:port as configured. */
  readonly address: string
  /** Undefined where node looks the name up for each connection. */
  readonly ip: string | undefined
  #connections: Connections | undefined
  #key: object | undefined
  #trust: Trust | undefined
  #failures = 0
  #asideUntilMs = 0
  #isOnTrial = false
  #refusedMs = Number.NEGATIVE_INFINITY

  constructor(address: string, ip: string | undefined) {
    this.address = address
    this.ip = ip
  }

  /** Calls whose answer has not ended. */
  get inFlight(): number {
    return this.#connections?.inFlight ?? 0
  }

  /** How often it was left alone since the last connection that did not fail. */
  get failures(): number {
    return this.#failures
  }

  /** Connections that carry no call are ended: calls to come open others. */
  dropIdle(): void {
    this.#connections?.dropIdle()
  }

  /** Those kept for `key` and `trust`: a call has no time to look them up. */
  connectionsFor(key: object, trust: Trust | undefined): Connections | undefined {
    return this.#key === key && this.#trust === trust ? this.#connections : undefined
  }

  keep(key: object, trust: Trust | undefined, connections: Connections): void {
    this.#connections = connections
    this.#key = key
    this.#trust = trust
  }

  /** Whether it is left alone: until it has answered, where any other one is there. */
  get isAside(): boolean {
    return this.#asideUntilMs > 0
  }

  /** Whether it has been left alone for long enough to be tried. */
  isDue(nowMs: number): boolean {
    return this.isAside && this.#asideUntilMs <= nowMs
  }

  /** Until when it is left alone; 0 where it is not. */
  get asideUntilMs(): number {
    return this.#asideUntilMs
  }

  /** A question goes there: where it had been left alone no trial begins until this has ended. */
  take(nowMs: number): void {
    if (!this.isAside) return
    if (this.isDue(nowMs)) this.#isOnTrial = true
    this.#asideUntilMs = nowMs + trialMs
  }

  /** It has answered a call of `sentMs`. One that ends still answers what came before: that is no news. */
  succeed(sentMs: number): void {
    if (sentMs < this.#refusedMs) return
    this.#failures = 0
    this.#asideUntilMs = 0
    this.#isOnTrial = false
  }

  /**
   * It could not be connected to. While it is left alone that is no news, but of the call that tries it:
   * the calls of one moment would else each double the time.
   */
  fail(clock: Clock): void {
    if (this.isAside && !this.isDue(clock.now()) && !this.#isOnTrial) return
    this.#isOnTrial = false
    const waitMs = Math.min(asideMsFirst * 2 ** Math.min(this.#failures, 10), asideMsMax)
    this.#failures++
    this.#asideUntilMs = clock.now() + waitMs * (1 - spread * clock.random())
  }

  /**
   * It answers that it serves nobody for now, as one that ends does: whoever refuses at once has the
   * fewest calls in flight, and would draw all of them.
   */
  refuse(clock: Clock): void {
    this.#refuseFor(asideMsFirst, clock)
  }

  /**
   * It answers that it ends: no connection is begun there, which could be cut by the closing of what it
   * listens on, and those that carry no call are ended from here, before it ends them.
   */
  leave(clock: Clock): void {
    this.#refuseFor(asideMsMax, clock)
    this.dropIdle()
  }

  #refuseFor(waitMs: number, clock: Clock): void {
    this.#failures = 0
    this.#isOnTrial = false
    this.#refusedMs = clock.now()
    this.#asideUntilMs = this.#refusedMs + waitMs * (1 - spread * clock.random())
  }
}
