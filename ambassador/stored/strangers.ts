import type { Credential } from '#shared/config/credential-schema.ts'
import type { AmbassadorCall } from '../call.ts'
import { isPool } from './holder.ts'

type Asker = Pick<AmbassadorCall, 'owner' | 'provider' | 'snapshot' | 'tenant'>

/**
 * Credentials that the call must not be made with: another tenant's always, those that all share where the
 * tenant has its own, and all but the one that has what the question is bound to. Mostly none.
 */
export function strangersTo(asker: Asker): string[] {
  const { provider, snapshot, tenant } = asker
  // At a pool it is a replica that has it.
  const owner = isPool(asker) ? undefined : asker.owner
  const credentials: readonly Credential[] = snapshot?.config.providers[provider]?.credentials ?? []
  const hasOwn = credentials.some((credential) => credential.tenant === tenant)
  return credentials.flatMap(({ name, tenant: holder }) => {
    const isAnothers = holder !== undefined && holder !== tenant
    const isFit = owner === undefined ? !hasOwn || holder === tenant : name === owner
    return isFit && !isAnothers ? [] : [name]
  })
}
