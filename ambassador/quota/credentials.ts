import { Credential, type CredentialOptions, type Family, type Taken } from './credential.ts'
import type { Source } from './forecast.ts'
import type { GaugeView } from './gauge.ts'
import { type Amounts, amountOf, type LimitShape } from './shape.ts'
import type { Waiter } from './waiter.ts'
import { type CredentialKey, isSameKey, mayUse, type Want } from './want.ts'

/** Sessions whose credential is remembered; the one not seen for longest is forgotten. */
const sessionsMax = 10_000
/** Credentials of earlier configurations that are kept for calls begun with them. */
const retiredMax = 32
/** What a token of the provider's prompt cache is worth in waiting: prefill of 10,000 tokens takes a second. */
const cacheMsPerToken = 0.1

/** Where a call may go, or how long it cannot. */
export interface Choice {
  readonly source: Source | undefined
  readonly amounts: Amounts
  /** Without a source: until one could be there; Infinity where only the end of another call helps. */
  readonly waitMs: number
  /** Others of the lane could go: what keeps this call is a wish of its own. */
  readonly isOwnWish: boolean
}

/** One dimension of one credential, for statusz and metrics. */
export interface DimensionView extends GaugeView {
  readonly credential: string
  /** The models that share it; empty where all of the credential's do. */
  readonly family: string
  readonly dimension: string
}

/** The credentials of one provider, and which of them a call goes by. */
export class Credentials {
  readonly #shape: LimitShape
  readonly #random: () => number
  #all: readonly Credential[] = []
  /** No longer configured: calls that began with them still hold their secrets. The last first. */
  #retired: readonly Credential[] = []
  readonly #sessions = new Map<string, Credential>()

  constructor(shape: LimitShape, random: () => number) {
    this.#shape = shape
    this.#random = random
  }

  get all(): readonly Credential[] {
    return this.#all
  }

  /** What is believed of each dimension of each credential. */
  views(nowMs: number): DimensionView[] {
    return this.#all.flatMap((credential) =>
      credential.gauges.map(([family, gauge]) => ({
        credential: credential.name,
        family,
        dimension: gauge.dimension.name,
        ...gauge.view(nowMs),
      })),
    )
  }

  /** Takes over a configuration: one that stays as it was keeps what is known of it. */
  configure(options: readonly CredentialOptions[], nowMs: number): void {
    const before = [...this.#all, ...this.#retired]
    this.#all = options.map((entry) => {
      const known = before.find((credential) => credential.reconfigure(entry, nowMs))
      return known ?? new Credential(entry, this.#shape, nowMs)
    })
    this.#retired = before.filter((one) => !this.#all.includes(one)).slice(0, retiredMax)
    for (const [session, credential] of this.#sessions) {
      if (!this.#all.includes(credential)) this.#sessions.delete(session)
    }
  }

  /** Those that a call may go by at all. */
  sources(lane: string, want: Want, nowMs: number): Source[] {
    return this.#for(want)
      .filter(
        (credential) => mayUse(want, credential) && credential.barredUntilMs(want.model) <= nowMs,
      )
      .map((credential) => ({ credential, family: credential.family(lane, nowMs) }))
  }

  /** The one of this key, of the latest configuration or an earlier one. */
  find(key: CredentialKey): Credential | undefined {
    for (const credential of this.#all) if (isSameKey(credential, key)) return credential
    return this.#retired.find((credential) => isSameKey(credential, key))
  }

  #for({ among }: Want): readonly Credential[] {
    if (among === undefined || this.#retired.length === 0) return this.#all
    return [...this.#all, ...this.#retired]
  }

  /** What the largest bucket of a credential holds: more than that no call can take. */
  largest(lane: string, nowMs: number): Amounts {
    const largest = { requests: Infinity, input: 0, output: 0, tokens: 0 }
    for (const credential of this.#all) {
      const own = { input: Infinity, output: Infinity, tokens: Infinity }
      for (const gauge of credential.family(lane, nowMs).gauges) {
        const { unit } = gauge.dimension
        if (unit === 'requests' || unit === 'concurrency') continue
        own[unit] = Math.min(own[unit], gauge.view(nowMs).limit ?? Infinity)
      }
      largest.input = Math.max(largest.input, own.input)
      largest.output = Math.max(largest.output, own.output)
      largest.tokens = Math.max(largest.tokens, own.tokens)
    }
    return largest
  }

  /**
   * The credential with the most room for the call, its weight counted; of those that no limit is
   * known of one at random, by weight; that of its session where the wait for it costs less than a
   * cold prompt cache.
   */
  choose(waiter: Waiter, nowMs: number): Choice {
    const { want, lane, cold } = waiter
    const home = this.#home(waiter)
    if (home !== undefined && this.#all.length > 1) {
      const held = this.#tryHome(waiter, home, nowMs)
      if (held !== undefined) return held
    }
    // A session's cache is where its credential is, and nowhere else.
    const isWarm = want.session === undefined || this.#all.length === 1
    const amounts = isWarm ? waiter.warm : cold
    let best: Source | undefined
    let bestRoom = -Infinity
    let waitMs = Infinity
    let isOwnWish = false
    let openWeight = 0
    for (const credential of this.#for(want)) {
      const family = credential.family(lane.name, nowMs)
      const credentialMs = waitFor({ credential, family }, { amounts, nowMs, model: want.model })
      if (!mayUse(want, credential)) {
        isOwnWish ||= credentialMs === 0
        continue
      }
      waitMs = Math.min(waitMs, credentialMs)
      // Barred for this model alone: others of the family are not.
      isOwnWish ||=
        credential.barredUntilMs(want.model) > nowMs && credential.barredUntilMs('') <= nowMs
      if (credentialMs > 0) continue
      const room = this.#all.length === 1 ? 1 : roomOf(family, amounts, nowMs) * credential.weight
      if (family.gauges.every((gauge) => gauge.view(nowMs).limit === undefined)) {
        // One of them wins in the end with the share that its weight has of all.
        openWeight += credential.weight
        if (this.#random() * openWeight >= credential.weight) continue
        best = { credential, family }
        bestRoom = Infinity
        continue
      }
      if (best !== undefined && room <= bestRoom) continue
      best = { credential, family }
      bestRoom = room
    }
    return { source: best, amounts, waitMs, isOwnWish }
  }

  /** Takes the amounts of every gauge, and remembers where the session went. */
  take({ credential, family }: Source, waiter: Waiter, { amounts, nowMs }: Taking): Taken {
    family.probation?.take(nowMs)
    const marks = family.gauges.map((gauge) =>
      gauge.take(amountOf(amounts, gauge.dimension.unit), nowMs),
    )
    const { session } = waiter.want
    if (session !== undefined && this.#all.length > 1) this.#remember(session, credential)
    return { family, marks }
  }

  #home({ want }: Waiter): Credential | undefined {
    if (want.session === undefined) return undefined
    const home = this.#sessions.get(want.session)
    return home === undefined || !mayUse(want, home) ? undefined : home
  }

  /** Undefined where the call should go elsewhere. */
  #tryHome(waiter: Waiter, credential: Credential, nowMs: number): Choice | undefined {
    const { warm: amounts, want, lane } = waiter
    const source = { credential, family: credential.family(lane.name, nowMs) }
    const waitMs = waitFor(source, { amounts, nowMs, model: want.model })
    if (waitMs === 0) return { source, amounts, waitMs, isOwnWish: false }
    waiter.holdUntilMs ??= nowMs + want.cachedTokens * cacheMsPerToken
    if (nowMs + waitMs > waiter.holdUntilMs) return undefined
    return { source: undefined, amounts, waitMs, isOwnWish: true }
  }

  #remember(session: string, credential: Credential): void {
    this.#sessions.delete(session)
    this.#sessions.set(session, credential)
    if (this.#sessions.size <= sessionsMax) return
    const [oldest] = this.#sessions.keys()
    if (oldest !== undefined) this.#sessions.delete(oldest)
  }
}

export interface Taking {
  readonly amounts: Amounts
  readonly nowMs: number
}

interface Asked extends Taking {
  readonly model: string
}

function waitFor({ credential, family }: Source, { amounts, nowMs, model }: Asked): number {
  const shutMs = Math.max(credential.blockedUntilMs, credential.barredUntilMs(model))
  let waitMs = Math.max(0, shutMs - nowMs)
  if (family.probation !== undefined) waitMs = Math.max(waitMs, family.probation.waitMs(nowMs))
  for (const gauge of family.gauges) {
    waitMs = Math.max(waitMs, gauge.waitMs(amountOf(amounts, gauge.dimension.unit), nowMs))
  }
  return waitMs
}

/** What is left in the scarcest dimension, as a share of its limit: from 0, for the bucket is never below. */
function roomOf(family: Family, amounts: Amounts, nowMs: number): number {
  let room = 1
  for (const gauge of family.gauges) {
    room = Math.min(room, gauge.headroom(amountOf(amounts, gauge.dimension.unit), nowMs))
  }
  return Math.max(0, room)
}
