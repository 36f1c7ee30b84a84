import type { Environment } from '#shared/config/secrets.ts'
import {
  inClusterAccess,
  inClusterNamespace,
  serviceAccountDirectory,
} from '#shared/kubernetes/cluster-access.ts'
import { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { Discovery } from './discovery.ts'
import type { StartDiscovery } from './discovery-switch.ts'

/** Follows a Service with the service account of this pod, which may list and watch its slices. */
export function startDiscoveryIn(
  environment: Environment,
  directory = serviceAccountDirectory,
): StartDiscovery {
  return (choice, parts) => {
    const access = inClusterAccess(environment, directory, parts.clock)
    if (access === undefined) {
      throw new Error(`Cannot follow service '${choice.name}': this process is in no cluster`)
    }
    const namespace = choice.namespace ?? inClusterNamespace(directory)
    if (namespace === undefined) {
      throw new Error(`Cannot follow service '${choice.name}': write it as namespace/name`)
    }
    const api = new KubernetesApi({ access, clock: parts.clock, userAgent: 'outrigger-ambassador' })
    const discovery = new Discovery(
      { ...parts, api },
      { namespace, service: choice.name, port: choice.port },
    )
    return {
      get isSynced() {
        return discovery.isSynced
      },
      status: () => discovery.status(),
      close() {
        discovery.close()
        api.close()
      },
    }
  }
}
