import type { Clock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import { version } from '#shared/lifecycle/version.ts'
import { inClusterAccess } from './cluster-access.ts'
import { KubernetesApi } from './kubernetes-api.ts'

interface OwnClusterParts {
  readonly environment: Environment
  readonly clock: Clock
  /** What kubelet mounts of the pod's service account; where it does unless given. */
  readonly directory?: string | undefined
  /** Of this process, for the server's audit log. */
  readonly name: 'ambassador' | 'controller' | 'webhook'
}

/** A client of the cluster that this process runs in, by its pod's own account. Throws outside of one. */
export function ownCluster({
  environment,
  clock,
  directory,
  name,
}: OwnClusterParts): KubernetesApi {
  const access = inClusterAccess(environment, directory, clock)
  if (access === undefined) {
    throw new Error('Cannot reach the API server: this process is in no cluster')
  }
  return new KubernetesApi({ access, clock, userAgent: `outrigger-${name}/${version}` })
}
