import type { Credential } from '#shared/config/credential-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'

type Asker = Pick<AmbassadorCall, 'tenant' | 'provider' | 'snapshot'>

/** Whether the tenant has a credential of its own at this provider: what is stored with it is its own. */
export function ownsCredential({ tenant, provider, snapshot }: Asker): boolean {
  const credentials: readonly Credential[] = snapshot?.config.providers[provider]?.credentials ?? []
  return credentials.some((credential) => credential.tenant === tenant)
}

/** Error: `stored-forbidden` for a tenant without a credential of its own. */
export function checkOwner(context: AmbassadorCall): void {
  providerOf(context)
  if (ownsCredential(context)) return
  const { tenant, provider } = context
  throw new CallError(
    'stored-forbidden',
    `Cannot serve what is stored: all tenants share the account of provider '${provider}'; ` +
      `it takes a credential with 'tenant: ${tenant}' under providers.${provider}.credentials`,
  )
}
