import type { Clock } from '#shared/call/clock.ts'
import type { Credential, Entra } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'
import { TokenKeeper } from './token-keeper.ts'
import type { TokenLibrary } from './token-library.ts'
import type { TokenSource } from './token-source.ts'

export interface EntraParts {
  readonly clock: Clock
  /** Loads the library; asked once a credential needs it. */
  readonly load: () => Promise<TokenLibrary>
  /** Told once for each run of failures; neither word is a secret. */
  readonly onFailure: (credential: string, reason: string) => void
}

interface Kept {
  readonly keeper: TokenKeeper
  readonly entra: Entra
  readonly secret: string | undefined
  isTried: boolean
}

/** The tokens of one provider's Entra credentials, as the configuration names them. */
export class EntraTokens implements TokenSource {
  readonly #parts: EntraParts
  #kept = new Map<string, Kept>()
  #isApplied = false
  #isReady = false

  constructor(parts: EntraParts) {
    this.#parts = parts
  }

  /** False until each credential of the first configuration has been asked for; then true for good. */
  get isReady(): boolean {
    this.#isReady ||= this.#isApplied && [...this.#kept.values()].every(({ isTried }) => isTried)
    return this.#isReady
  }

  /** Takes over a configuration: what stays as it was keeps its token. */
  apply(provider: Provider, secrets: Secrets): void {
    const before = this.#kept
    this.#kept = new Map()
    this.#isApplied = true
    const credentials: readonly Credential[] = provider.credentials
    for (const { name, entra, secret } of credentials) {
      if (entra === undefined) continue
      const value = secret === undefined ? undefined : secrets.values.get(secretKey(secret))
      // Without the secret of its application another identity would be asked for.
      if (secret !== undefined && value === undefined) continue
      const known = before.get(name)
      this.#kept.set(name, this.#keep({ name, entra, secret: value }, known))
    }
    for (const [name, { keeper }] of before) {
      if (this.#kept.get(name)?.keeper !== keeper) keeper.stop()
    }
  }

  tokenOf(name: string): string | undefined {
    return this.#kept.get(name)?.keeper.token?.value
  }

  reasonOf(name: string): string {
    return this.#kept.get(name)?.keeper.reason ?? 'its secret has no value'
  }

  close(): void {
    for (const { keeper } of this.#kept.values()) keeper.stop()
    this.#kept = new Map()
  }

  #keep({ name, entra, secret }: Wanted, known: Kept | undefined): Kept {
    const isSame = known !== undefined && isSameIdentity(known.entra, entra)
    if (isSame && known.secret === secret) return known
    const identity = { tenantId: entra.tenantId, clientId: entra.clientId, secret }
    const kept: Kept = {
      entra,
      secret,
      isTried: false,
      keeper: new TokenKeeper({
        clock: this.#parts.clock,
        scope: entra.scope,
        asker: async () => (await this.#parts.load()).open(identity),
        // Its secret was rotated: what was issued before is good until it ends.
        first: isSame ? known.keeper.token : undefined,
        onFailure: (reason) => this.#parts.onFailure(name, reason),
        onTried: () => {
          kept.isTried = true
        },
      }),
    }
    return kept
  }
}

interface Wanted {
  readonly name: string
  readonly entra: Entra
  readonly secret: string | undefined
}

function isSameIdentity(left: Entra, right: Entra): boolean {
  return (
    left.tenantId === right.tenantId &&
    left.clientId === right.clientId &&
    left.scope === right.scope
  )
}
