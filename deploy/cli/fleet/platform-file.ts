import { configTextOf } from '#deploy/controller/distribute.ts'
import { authoritiesKey, type Projected, project } from '#deploy/controller/project.ts'
import { objectAt } from '#deploy/inject/json.ts'
import { projectedConfig } from '#deploy/inject/names.ts'
import { textHash } from '#shared/config/snapshot.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Cluster, found } from '../cluster/cluster.ts'

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
    projected: text === undefined ? undefined : project(text, { transport: transportOf(held) }),
    held,
  }
}

/** As the controller was told: authorities are given out where ambassadors serve TLS. */
function transportOf(held: ReadonlyMap<string, KubernetesObject>): 'tls' | 'plain' {
  const maps = [...held.values()]
  const withAuthorities = maps.filter(
    (map) => typeof objectAt(map, 'data')?.[authoritiesKey] === 'string',
  )
  return maps.length > 0 && withAuthorities.length === 0 ? 'plain' : 'tls'
}

/** Hash of what a namespace's ConfigMap holds; undefined where it holds nothing. */
export function heldHash(map: KubernetesObject | undefined): string | undefined {
  const text = configTextOf(map)
  return text === undefined ? undefined : textHash(text)
}
