import type { Credential } from '#shared/config/credential-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'

type Asker = Pick<AmbassadorCall, 'tenant' | 'provider' | 'snapshot'>

/** Credentials of the tenant's own at this provider, in the order of the configuration: mostly none. */
export function ownCredentials({ tenant, provider, snapshot }: Asker): string[] {
  const credentials: readonly Credential[] = snapshot?.config.providers[provider]?.credentials ?? []
  return credentials.flatMap((one) => (one.tenant === tenant ? [one.name] : []))
}

/** Whether the tenant has a credential of its own at this provider: what is stored with it is its own. */
export function ownsCredential(asker: Asker): boolean {
  return ownCredentials(asker).length > 0
}

/**
 * The credential that what the tenant stores is stored with: the first of its own, whatever their weights. With
 * any other, what was made a moment ago might not be found. Error: `stored-forbidden` for a tenant without one.
 */
export function storeOf(context: AmbassadorCall): string {
  providerOf(context)
  const [first] = ownCredentials(context)
  if (first !== undefined) return first
  const { tenant, provider } = context
  throw new CallError(
    'stored-forbidden',
    `Cannot serve what is stored: all tenants share the account of provider '${provider}'; ` +
      `it takes a credential with 'tenant: ${tenant}' under providers.${provider}.credentials`,
  )
}
