import type { ClassQueue } from './class-queue.ts'
import type { Credentials } from './credentials.ts'
import { plus } from './fair-queue.ts'
import { Outlook } from './forecast.ts'
import type { Foresight } from './foresight.ts'
import type { Lane } from './lane.ts'
import type { Tenant } from './tenant.ts'
import type { Waiter } from './waiter.ts'
import type { CredentialKey } from './want.ts'

/** A forecast counts what will come in its own time: each round comes closer. */
const rounds = 4
/** Share of a forecast below which another round changes nothing that matters. */
const closeShare = 0.01
/** Forecasts of one class in one review, about a millisecond: of more calls some are left for the next. */
const reviewedMax = 1_024
/** Share of its patience by which a call must be late for a forecast to send it away. */
const lateShare = 0.05

/** How long a call would wait, in milliseconds. */
export interface Prospect {
  /** By the limits alone, as it is to be compared with what came of it. */
  readonly forecastMs: number
  readonly expectedMs: number
  /** Few wait for longer. */
  readonly mostMs: number
}

/** A call that waits in vain, and how long it would have had to. */
export interface Hopeless {
  readonly waiter: Waiter
  readonly waitMs: number
}

/** Who will be served within its patience: the base of every refusal. */
export class Prospects {
  readonly #credentials: Credentials
  #reviews = 0

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /** For a call that comes last; undefined where no credential may serve it. O(tenants), of which 64 are counted one by one. */
  of(waiter: Waiter, nowMs: number): Prospect | undefined {
    const { lane, queue, tenant } = waiter
    const sources = this.#credentials.sources(waiter, nowMs)
    if (sources.length === 0) return undefined
    lane.look(nowMs)
    const outlook = new Outlook(sources, nowMs)
    const forecastMs = forecast(outlook, { waiter, ownCost: tenant.waitingCost, leastMs: 0 })
    const { foresight } = queue
    return {
      forecastMs,
      expectedMs: Math.max(outlook.shutMs, foresight.expectedMs(forecastMs)),
      mostMs: Math.max(outlook.shutMs, foresight.mostMs(forecastMs)),
    }
  }

  /**
   * Calls of a lane that will hardly be served within their patience, as things are at present; what
   * they would have taken is left to those behind them. O(calls).
   */
  hopeless(lane: Lane, nowMs: number): Hopeless[] {
    this.#reviews++
    lane.look(nowMs)
    const outlooks = new Outlooks(this.#credentials, nowMs)
    return lane.queues.flatMap((queue) => this.#hopelessOf(queue, outlooks))
  }

  #hopelessOf(queue: ClassQueue, outlooks: Outlooks): Hopeless[] {
    const { nowMs } = outlooks
    const stride = Math.ceil(queue.waiting / reviewedMax)
    const found: Hopeless[] = []
    let at = this.#reviews
    for (const tenant of queue.backlog) {
      const walk = new Walk(queue.foresight, nowMs)
      for (const waiter of callsOf(tenant)) {
        const outlook = outlooks.of(waiter)
        const isDue = ++at % stride === 0
        const waitMs = isDue ? walk.waitMs(waiter, outlook) : outlook.shutMs
        if (waitMs > waiter.expiresMs - nowMs) found.push({ waiter, waitMs })
        else walk.pass(waiter)
      }
    }
    return found
  }
}

/** Goes along the calls of one tenant, and knows what stands before the next. */
class Walk {
  readonly #foresight: Foresight
  readonly #nowMs: number
  #ownCost = 0
  #leastMs = 0

  constructor(foresight: Foresight, nowMs: number) {
    this.#foresight = foresight
    this.#nowMs = nowMs
  }

  /** How long the next call waits, where that is certainly too long for it; else what is certain at least. */
  waitMs(waiter: Waiter, outlook: Outlook): number {
    const { shutMs } = outlook
    const leastMs = this.#leastMs
    const forecastMs = forecast(outlook, { waiter, ownCost: this.#ownCost, leastMs })
    // There is nothing at all for as long as can be seen: whoever comes next is asked anew.
    if (forecastMs === Infinity) return Infinity
    this.#leastMs = forecastMs
    const leftMs = waiter.expiresMs - this.#nowMs
    // As many places fall free sooner or later as chance has it: a root of their number.
    const doubtMs = Math.sqrt(forecastMs * outlook.grainMs)
    const lateMs = this.#foresight.leastMs(forecastMs) - doubtMs - leftMs
    if (lateMs <= lateShare * waiter.want.patienceMs) return shutMs
    return Math.max(shutMs, this.#foresight.expectedMs(forecastMs))
  }

  /** The next call goes on waiting. */
  pass(waiter: Waiter): void {
    this.#ownCost += waiter.cost
  }
}

function* callsOf({ first }: Tenant): Generator<Waiter> {
  for (let waiter = first; waiter !== undefined; waiter = waiter.next) yield waiter
}

/** Calls of one configuration and model see the same sources: they are looked at once for all. */
class Outlooks {
  readonly nowMs: number
  readonly #credentials: Credentials
  #last:
    | { outlook: Outlook; model: string; among: readonly CredentialKey[] | undefined }
    | undefined

  constructor(credentials: Credentials, nowMs: number) {
    this.#credentials = credentials
    this.nowMs = nowMs
  }

  of(waiter: Waiter): Outlook {
    const { model, among, excluded } = waiter.want
    const last = this.#last
    const isPlain = excluded.length === 0 && waiter.certain === undefined
    if (isPlain && last?.model === model && last.among === among) return last.outlook
    const sources = this.#credentials.sources(waiter, this.nowMs)
    const outlook = new Outlook(sources, this.nowMs)
    if (isPlain) this.#last = { outlook, model, among }
    return outlook
  }
}

interface Standing {
  readonly waiter: Waiter
  /** What its tenant's calls before it come to. */
  readonly ownCost: number
  /** The forecast of one who stands before it. */
  readonly leastMs: number
}

function forecast(outlook: Outlook, { waiter, ownCost, leastMs }: Standing): number {
  let waitMs = leastMs
  for (let round = 0; round < rounds; round++) {
    const ahead = waiter.lane.aheadOf(waiter, { ownCost, withinMs: waitMs })
    const nextMs = outlook.waitMs(plus(ahead, waiter.warm, 1))
    if (nextMs <= waitMs * (1 + closeShare) || nextMs === Infinity) return nextMs
    waitMs = nextMs
  }
  return waitMs
}
