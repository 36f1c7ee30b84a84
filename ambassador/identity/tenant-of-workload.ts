import type { Config, KubernetesIdentity } from '#shared/config/schema.ts'
import { countHeader, type HeaderList, header } from '#shared/http/headers.ts'
import { Refusal } from './refusal.ts'
import type { Workload } from './workload.ts'

interface Claim {
  readonly tenant: string
  /** Those it may name instead. */
  readonly chooses: readonly string[]
}

/** Whose call it is. Throws {@link Refusal}. */
export type TenantOf = (workload: Workload, headers: HeaderList) => string

/**
 * The tenant that claims a workload, the entry with a service account before that of its namespace.
 * Its header is read only where that entry lets it choose; a name beyond what it may choose is
 * refused, since a slip would bill the wrong tenant.
 */
export function tenantsByWorkload(
  config: Config,
  unknown: KubernetesIdentity['unknown'],
): TenantOf {
  const claims = new Map<string, Claim>()
  for (const [tenant, { workloads }] of Object.entries(config.tenants)) {
    for (const { namespace, serviceAccount = '*', chooses = [] } of workloads) {
      claims.set(`${namespace}/${serviceAccount}`, { tenant, chooses })
    }
  }
  const others = unknown === 'refuse' ? undefined : { tenant: unknown.tenant, chooses: [] }
  return ({ namespace, name }, headers) => {
    const claim = claims.get(name) ?? claims.get(`${namespace}/*`) ?? others
    if (claim === undefined) throw new Refusal('unknown workload', { workload: name })
    if (claim.chooses.length === 0) return claim.tenant
    const asked = header(headers, 'x-outrigger-tenant')
    if (asked === undefined) return claim.tenant
    const isOne = countHeader(headers, 'x-outrigger-tenant') === 1
    const mayBe = asked === claim.tenant || claim.chooses.includes(asked)
    if (!isOne || !mayBe) throw new Refusal('tenant', { workload: name, asked })
    return asked
  }
}
