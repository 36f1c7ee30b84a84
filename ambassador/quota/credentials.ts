import type { Account, Family, Taken } from './account.ts'
import { Accounts } from './accounts.ts'
import { Credential, type CredentialOptions } from './credential.ts'
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

function keyOf({ name, identity }: CredentialOptions): CredentialKey {
  return { name, identity }
}

/** What a call asks for at least, and the limit that this is more than. */
export interface Excess {
  readonly dimension: string
  readonly limit: number
  readonly requested: number
}

/** The credentials of one provider, and which of them a call goes by. */
export class Credentials {
  readonly #shape: LimitShape
  readonly #random: () => number
  #all: readonly Credential[] = []
  /** No longer configured: calls that began with them still hold their secrets. The last first. */
  #retired: readonly Credential[] = []
  readonly #sessions = new Map<string, Credential>()
  #accounts: Accounts | undefined

  constructor(shape: LimitShape, random: () => number) {
    this.#shape = shape
    this.#random = random
  }

  get all(): readonly Credential[] {
    return this.#all
  }

  /** What is believed of each dimension, under the first credential of each account. */
  views(nowMs: number): DimensionView[] {
    const seen = new Set<Account>()
    return this.#all.flatMap(({ name: credential, account }) => {
      if (seen.has(account)) return []
      seen.add(account)
      return account.gauges.map(([family, gauge]) => ({
        credential,
        family,
        dimension: gauge.dimension.name,
        ...gauge.view(nowMs),
      }))
    })
  }

  /** Takes over a configuration: one that stays as it was keeps what is known of it. */
  configure(options: readonly CredentialOptions[], nowMs: number): void {
    const before = [...this.#all, ...this.#retired]
    const accounts = new Accounts(this.#shape, this.#accounts)
    this.#all = options.map((entry) => {
      const known = before.find((one) => isSameKey(one, keyOf(entry)))
      const parts = accounts.partsOf(entry, known?.account, nowMs)
      if (known?.account !== parts.account) return new Credential(entry, parts)
      known.weight = entry.weight
      known.connections = parts.connections
      return known
    })
    this.#accounts = accounts
    this.#retired = before.filter((one) => !this.#all.includes(one)).slice(0, retiredMax)
    for (const [session, credential] of this.#sessions) {
      if (!this.#all.includes(credential)) this.#sessions.delete(session)
    }
  }

  /** Those that a call may go by at all. */
  sources(waiter: Waiter, nowMs: number): Source[] {
    const { want, lane } = waiter
    return this.#for(want)
      .filter(
        (credential) => mayUse(want, credential) && credential.barredUntilMs(want.model) <= nowMs,
      )
      .map((credential) => ({ credential, family: credential.family(lane.name, nowMs) }))
      .filter(({ family }) => tooLargeFor(waiter, family, nowMs) === undefined)
  }

  /**
   * By how much the call is larger than the largest limit of those that it could go by; undefined where
   * it may fit one. Then no wait helps it.
   */
  excess(waiter: Waiter, nowMs: number): Excess | undefined {
    if (waiter.certain === undefined) return undefined
    const { want, lane } = waiter
    let largest: Excess | undefined
    for (const credential of this.#for(want)) {
      if (!mayUse(want, credential)) continue
      const excess = tooLargeFor(waiter, credential.family(lane.name, nowMs), nowMs)
      if (excess === undefined) return undefined
      if (largest === undefined || excess.limit > largest.limit) largest = excess
    }
    return largest
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
    const home = this.#home(waiter, nowMs)
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
      if (tooLargeFor(waiter, family, nowMs) !== undefined) {
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
    const { connections } = credential
    connections?.take()
    return { family, marks, connections, sentMs: nowMs }
  }

  #home(waiter: Waiter, nowMs: number): Credential | undefined {
    const { want, lane } = waiter
    if (want.session === undefined) return undefined
    const home = this.#sessions.get(want.session)
    if (home === undefined || !mayUse(want, home)) return undefined
    const excess = tooLargeFor(waiter, home.family(lane.name, nowMs), nowMs)
    return excess === undefined ? home : undefined
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
  // Only the end of another call makes one free.
  if (credential.connections?.isFull === true) return Infinity
  let waitMs = Math.max(0, shutMs - nowMs)
  if (family.probation !== undefined) waitMs = Math.max(waitMs, family.probation.waitMs(nowMs))
  for (const gauge of family.gauges) {
    waitMs = Math.max(waitMs, gauge.waitMs(amountOf(amounts, gauge.dimension.unit), nowMs))
  }
  return waitMs
}

/** The limit of a family that a call is certainly larger than; undefined where it may fit. */
function tooLargeFor({ certain }: Waiter, { gauges }: Family, nowMs: number): Excess | undefined {
  if (certain === undefined) return undefined
  for (const gauge of gauges) {
    const { unit, name } = gauge.dimension
    const requested = amountOf(certain, unit)
    const limit = gauge.most(nowMs)
    if (requested > limit) return { dimension: name, limit, requested }
  }
  return undefined
}

/** What is left in the scarcest dimension, as a share of its limit: from 0, for the bucket is never below. */
function roomOf(family: Family, amounts: Amounts, nowMs: number): number {
  let room = 1
  for (const gauge of family.gauges) {
    room = Math.min(room, gauge.headroom(amountOf(amounts, gauge.dimension.unit), nowMs))
  }
  return Math.max(0, room)
}
