import { injectedLabel } from '#deploy/inject/names.ts'
import { sidecarIn } from '#deploy/inject/strip.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type ClusterApi, podsPath } from '../cluster/cluster.ts'
import { isLive } from './owner.ts'

/**
 * Live pods with a sidecar, of one namespace or of all. The label finds them; whoever may change a pod
 * may write it on one that has none, which nobody would ever hear of. Rejects with `KubernetesError`.
 */
export async function podsWithSidecar(
  api: Pick<ClusterApi, 'list'>,
  namespace?: string,
): Promise<KubernetesObject[]> {
  const { items } = await api.list(podsPath(namespace), { labelSelector: `${injectedLabel}=true` })
  return items.filter((pod) => isLive(pod) && sidecarIn(pod) !== undefined)
}

/** Where they are. */
export function namespacesOf(pods: readonly KubernetesObject[]): ReadonlySet<string> {
  return new Set(pods.map(({ metadata }) => metadata.namespace ?? ''))
}
