import { configTextOf, managedLabel } from '#deploy/controller/distribute.ts'
import { authoritiesKey, type Projected, project } from '#deploy/controller/project.ts'
import { objectAt } from '#deploy/inject/json.ts'
import { projectedConfig } from '#deploy/inject/names.ts'
import { textHash } from '#shared/config/snapshot.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** The platform's configuration as it is in the cluster, and what becomes of it. */
export interface PlatformFile {
  /** Of ConfigMap `outrigger`; undefined where there is none. */
  readonly text: string | undefined
  /** Of the whole, which ambassadors name. */
  readonly hash: string
  /** The sidecars' part; undefined where there is no text. */
  readonly projected: Projected | undefined
  /** ConfigMaps `outrigger-sidecar` by namespace. */
  readonly held: ReadonlyMap<string, KubernetesObject>
}

export const platformConfigMap = 'outrigger'

/** Reads ConfigMap `outrigger` and what the namespaces hold of it. Rejects with `KubernetesError`. */
export async function platformFile({
  api,
  systemNamespace,
}: Pick<Cluster, 'api' | 'systemNamespace'>): Promise<PlatformFile> {
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/${platformConfigMap}`
  const [platform, { items }] = await Promise.all([
    found(api, path),
    api.list('/api/v1/configmaps', { fieldSelector: `metadata.name=${projectedConfig}` }),
  ])
  const text = configTextOf(platform)
  const held = new Map(items.map((item) => [item.metadata.namespace ?? '', item]))
  return {
    text,
    hash: text === undefined ? '' : textHash(text),
    projected:
      text === undefined
        ? undefined
        : project(text, { transport: transportOf(held.get(systemNamespace)) }),
    held,
  }
}

/**
 * As the controller was told: authorities are given out where ambassadors serve TLS. `home` is the
 * ConfigMap of Outrigger's own namespace: tenants write into those of theirs what they like.
 */
function transportOf(home: KubernetesObject | undefined): 'tls' | 'plain' {
  if (home === undefined) return 'tls'
  return typeof objectAt(home, 'data')?.[authoritiesKey] === 'string' ? 'tls' : 'plain'
}

/** Whether the controller keeps it; a tenant may have one of the same name of its own. */
export function isKept({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[managedLabel] === 'true'
}

/** Hash of what a namespace's ConfigMap holds; undefined where it holds nothing. */
export function heldHash(map: KubernetesObject | undefined): string | undefined {
  const text = configTextOf(map)
  return text === undefined ? undefined : textHash(text)
}
