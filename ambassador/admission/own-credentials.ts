import type { Credential } from '#shared/config/credential-schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { CredentialKey } from '../quota/want.ts'
import { credentialIdentity } from './credential-identity.ts'

/** Where a provider asks for no credential, calls still have their turn. */
export const noCredential = ''

/** A credential that a configuration has a value for. */
export interface OwnCredential extends CredentialKey {
  /** Undefined where the provider asks for none. */
  readonly settings: Credential | undefined
}

/** The credentials of each configuration that calls still hold. Digests are made once for each. */
export class OwnCredentials {
  readonly #bySnapshot = new WeakMap<Snapshot, readonly OwnCredential[]>()

  /** Of `provider`, which is one and the same for every configuration of a process. */
  of(snapshot: Snapshot, provider: string): readonly OwnCredential[] {
    const known = this.#bySnapshot.get(snapshot)
    if (known !== undefined) return known
    const made = ownCredentials(snapshot, provider)
    this.#bySnapshot.set(snapshot, made)
    return made
  }
}

function ownCredentials({ config, secrets }: Snapshot, name: string): readonly OwnCredential[] {
  const provider = config.providers[name]
  if (provider === undefined) return []
  const credentials: readonly Credential[] = provider.credentials
  if (credentials.length === 0) {
    return [{ name: noCredential, identity: undefined, settings: undefined }]
  }
  const baseUrl = provider.kind === 'vllm' ? '' : provider.baseUrl
  return credentials
    .filter(
      // Whether Microsoft Entra gives a token shows when one is needed.
      ({ secret }) => secret === undefined || secrets.values.has(secretKey(secret)),
    )
    .map((settings) => ({
      name: settings.name,
      identity: credentialIdentity({ ...settings, baseUrl: settings.baseUrl ?? baseUrl }, secrets),
      settings,
    }))
}
