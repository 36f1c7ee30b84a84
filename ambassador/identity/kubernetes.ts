import type { Clock } from '#shared/call/clock.ts'
import type { Config, KubernetesIdentity } from '#shared/config/schema.ts'
import type { HeaderList } from '#shared/http/headers.ts'
import { bearerOf } from './bearer.ts'
import type { ClusterKeys } from './cluster-keys.ts'
import type { Authenticate, Identity } from './identity.ts'
import { checkMesh } from './mesh.ts'
import { tenantsByWorkload } from './tenant-of-workload.ts'
import { TokenVerifier } from './token-verifier.ts'
import type { Workload } from './workload.ts'

export interface KubernetesParts {
  readonly clock: Clock
  readonly keys: ClusterKeys
}

/** Proves callers by the service-account tokens of the cluster. */
export function serviceAccounts(
  identity: KubernetesIdentity,
  config: Config,
  parts: KubernetesParts,
): Authenticate {
  const verifier = new TokenVerifier({ ...parts, rules: identity })
  const tenantOf = tenantsByWorkload(config, identity.unknown)
  const known = (workload: Workload, headers: HeaderList): Identity => {
    if (identity.mesh !== undefined) checkMesh(identity.mesh, workload, headers)
    return { tenant: tenantOf(workload, headers), workload: workload.name, pod: workload.pod }
  }
  return (headers) => {
    const workload = verifier.verify(bearerOf(headers))
    if (workload instanceof Promise) return workload.then((late) => known(late, headers))
    return known(workload, headers)
  }
}
