import { Account } from './account.ts'
import { Connections } from './connections.ts'
import type { CredentialOptions, CredentialParts } from './credential.ts'
import type { LimitShape } from './shape.ts'

/** Accounts by name, and connections by address. */
interface Held {
  readonly named: ReadonlyMap<string, Account>
  readonly connections: ReadonlyMap<string, Connections>
}

const nothing: Held = { named: new Map(), connections: new Map() }

/**
 * What the credentials of one configuration have in common: accounts by the names that it gives them, and
 * connections by address. What has the same name in the configuration before keeps what is known of it.
 */
export class Accounts {
  readonly #shape: LimitShape
  readonly #before: Held
  readonly #held = {
    named: new Map<string, Account>(),
    connections: new Map<string, Connections>(),
  }

  constructor(shape: LimitShape, before: Accounts | undefined) {
    this.#shape = shape
    this.#before = before?.held ?? nothing
  }

  get held(): Held {
    return this.#held
  }

  /** `own` is the account that the same credential had before. */
  partsOf(entry: CredentialOptions, own: Account | undefined, nowMs: number): CredentialParts {
    return {
      account: this.#accountOf(entry, own, nowMs),
      connections: this.#connectionsOf(entry),
    }
  }

  #accountOf(entry: CredentialOptions, own: Account | undefined, nowMs: number): Account {
    const { account: name } = entry
    const made = name === undefined ? undefined : this.#held.named.get(name)
    // The first of its credentials says what its limits are.
    if (made !== undefined) return made
    const known = name === undefined ? undefined : this.#before.named.get(name)
    // One that it shared stays with those it shared it with.
    const kept = known ?? (isNamed(this.#before, own) ? undefined : own)
    kept?.reconfigure(entry, nowMs)
    const account = kept ?? new Account(entry, this.#shape, nowMs)
    if (name !== undefined) this.#held.named.set(name, account)
    return account
  }

  #connectionsOf({ connections: wanted }: CredentialOptions): Connections | undefined {
    if (wanted === undefined) return undefined
    const { place, most } = wanted
    const known = this.#held.connections.get(place) ?? this.#before.connections.get(place)
    const connections = known ?? new Connections(most)
    connections.most = most
    this.#held.connections.set(place, connections)
    return connections
  }
}

function isNamed({ named }: Held, account: Account | undefined): boolean {
  return account !== undefined && [...named.values()].includes(account)
}
