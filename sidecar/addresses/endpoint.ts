import type { Clock } from '#shared/call/clock.ts'
import type { Connections } from '#shared/http/connections.ts'
import type { Trust } from '#shared/http/tls-trust.ts'

/** How long one is left alone after its first failed connection; twice as long after each further. */
const asideMsFirst = 1_000
/** A pod that was rescheduled has another address by then. */
const asideMsMax = 30_000
/** By how much of that it varies: the pods of a team must not come back in one moment. */
const spread = 0.25
/** A probe that has not ended by then is made again: longer than a connection takes to fail. */
const probeMs = 5_000

/**
 * One server that calls can go to, and what this sidecar has seen of it. Good → aside, after a
 * connection that failed → probing, by the one call that goes there when its time is up → good, or
 * aside for longer.
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

  /** Those kept for `key` and `trust`: a call has no time to look them up. */
  connectionsFor(key: object, trust: Trust | undefined): Connections | undefined {
    return this.#key === key && this.#trust === trust ? this.#connections : undefined
  }

  keep(key: object, trust: Trust | undefined, connections: Connections): void {
    this.#connections = connections
    this.#key = key
    this.#trust = trust
  }

  /** Whether it is left alone. */
  isAside(nowMs: number): boolean {
    return this.#asideUntilMs > nowMs
  }

  /** Until when it is left alone; 0 where it is not. */
  get asideUntilMs(): number {
    return this.#asideUntilMs
  }

  /** A call goes there: where it had been left alone no other one does until this has ended. */
  take(nowMs: number): void {
    if (this.#asideUntilMs === 0) return
    if (!this.isAside(nowMs)) this.#isOnTrial = true
    this.#asideUntilMs = nowMs + probeMs
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
    if (this.isAside(clock.now()) && !this.#isOnTrial) return
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
    this.#failures = 0
    this.#isOnTrial = false
    this.#refusedMs = clock.now()
    this.#asideUntilMs = this.#refusedMs + asideMsFirst * (1 - spread * clock.random())
  }
}
