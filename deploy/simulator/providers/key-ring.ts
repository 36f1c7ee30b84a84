import type { IncomingHttpHeaders } from 'node:http'
import type { KeyState, ProviderKey, Vendor } from './provider-options.ts'

/** A known key. */
export interface Holder {
  readonly name: string
  readonly account: string
  state: KeyState
}

/** The keys a provider knows, and where its vendor looks for one. */
export class KeyRing {
  readonly #vendor: Vendor
  readonly #holders = new Map<string, Holder>()

  constructor(vendor: Vendor, keys: readonly (string | ProviderKey)[]) {
    this.#vendor = vendor
    for (const given of keys) {
      const key: ProviderKey = typeof given === 'string' ? { key: given } : given
      const name = key.name ?? key.key
      const account = key.account ?? name
      this.#holders.set(key.key, { name, account, state: key.state ?? 'active' })
    }
  }

  /** Who sent `headers`, or null where no key is known or the key is revoked. */
  holderOf(headers: IncomingHttpHeaders): Holder | null {
    const own = ownHeaders[this.#vendor]
    const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
    const given = own === null ? bearer : (textOf(headers[own]) ?? bearer)
    const holder = given === undefined ? undefined : this.#holders.get(given)
    return holder === undefined || holder.state === 'revoked' ? null : holder
  }

  /** Gives false where no key has that name. */
  setState(name: string, state: KeyState): boolean {
    const holder = [...this.#holders.values()].find((candidate) => candidate.name === name)
    if (holder === undefined) return false
    holder.state = state
    return true
  }
}

// Beside `authorization`, which all three take.
const ownHeaders: Readonly<Record<Vendor, string | null>> = {
  openai: null,
  azure: 'api-key',
  anthropic: 'x-api-key',
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
