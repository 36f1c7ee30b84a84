import type { HeaderList } from '#shared/http/headers.ts'
import type { Account, AccountOptions, Family, Taken } from './account.ts'
import { Bars } from './bars.ts'
import type { Connections } from './connections.ts'
import type { RefusalFacts } from './refusal.ts'
import type { Amounts } from './shape.ts'

/** A credential as configured. */
export interface CredentialOptions extends AccountOptions {
  readonly name: string
  /** Above 0; of two with equal headroom, the heavier is taken. */
  readonly weight: number
  /** Credentials of one account share its limits; undefined: it is the only one of its own. */
  readonly account?: string | undefined
  /** Undefined: as many calls at a time as there are. */
  readonly connections?: ConnectionOptions | undefined
  /** Tells whether it is the same key at the same place: under one name may come another account. */
  readonly identity?: string | undefined
}

/** Where a credential's calls are sent, and how many at a time. */
export interface ConnectionOptions {
  readonly place: string
  readonly most: number
}

/** An answer of the provider, as much of it as tells of limits. */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: HeaderList
  /** Of a 429, as much as was read of it. */
  readonly body: string | undefined
  /** What is known of a 429 that has neither head nor body of its own. */
  readonly said?: Pick<RefusalFacts, 'unit' | 'waitMs'>
}

export interface Moment {
  readonly nowMs: number
  readonly wallMs: number
}

/** What a credential is made of; others may have the same account, and the same connections. */
export interface CredentialParts {
  readonly account: Account
  readonly connections: Connections | undefined
}

/** One credential: whose account's limits it meets, and whether it is barred. */
export class Credential {
  readonly name: string
  readonly identity: string | undefined
  readonly account: Account
  connections: Connections | undefined
  weight: number
  readonly #bars = new Bars()

  constructor({ name, identity, weight }: CredentialOptions, parts: CredentialParts) {
    this.name = name
    this.identity = identity
    this.weight = weight
    this.account = parts.account
    this.connections = parts.connections
  }

  /** Nothing more goes by it until then, for one model or for all: it was refused. */
  bar(untilMs: number, model: string | undefined): void {
    this.#bars.set(untilMs, model)
  }

  /** Until when it is barred for `model`; -Infinity where it never was. */
  barredUntilMs(model: string): number {
    return this.#bars.untilMs(model)
  }

  /** Until when nothing at all goes by this credential. */
  get blockedUntilMs(): number {
    return this.account.blockedUntilMs
  }

  family(name: string, nowMs: number): Family {
    return this.account.family(name, nowMs)
  }

  /** As of its account; a call that was refused holds no connection. */
  observe(answer: Answer, taken: Taken, moment: Moment): boolean {
    const isOver = this.account.observe(answer, taken, moment)
    if (isOver) taken.connections?.end(taken.sentMs, moment.nowMs)
    return isOver
  }

  /** The call of `taken` has ended; `final` is undefined where its reservation stands. */
  settle(taken: Taken, final: Amounts | undefined, nowMs: number): void {
    this.account.settle(taken, final, nowMs)
    taken.connections?.end(taken.sentMs, nowMs)
  }

  /** The call of `taken` was answered without any work: at most the request counts. */
  dismiss(taken: Taken, nowMs: number): void {
    this.account.dismiss(taken, nowMs)
    taken.connections?.end(taken.sentMs, nowMs)
  }

  /** The call of `taken` was never sent. */
  cancel(taken: Taken, nowMs: number): void {
    this.account.cancel(taken, nowMs)
    taken.connections?.end(taken.sentMs, nowMs)
  }
}
