import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Cluster, podsPath } from '../cluster/cluster.ts'

/** A Deployment of Outrigger's own, and its pods. */
export interface Component {
  readonly kind: 'controller' | 'webhook' | 'ambassador'
  readonly name: string
  /** Of an ambassador. */
  readonly provider: string | undefined
  readonly wanted: number
  readonly ready: number
  readonly image: string
  readonly pods: readonly KubernetesObject[]
}

export const controllerName = 'outrigger-controller'
export const webhookName = 'outrigger-webhook'
const ambassadorPrefix = 'ambassador-'

/** Ports of probes and pages, by component. */
export const probesPorts = { controller: 10_261, webhook: 10_251, ambassador: 4_101 } as const

/** Outrigger's Deployments in its own namespace: controller, webhook, then ambassadors by name. */
export async function components({
  api,
  systemNamespace,
}: Pick<Cluster, 'api' | 'systemNamespace'>): Promise<Component[]> {
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments`
  const [deployments, pods] = await Promise.all([
    api.list(path),
    api.list(podsPath(systemNamespace)),
  ])
  return deployments.items
    .flatMap((deployment) => {
      const kind = kindOf(deployment)
      return kind === undefined ? [] : [componentOf(deployment, kind, pods.items)]
    })
    .toSorted((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1))
}

const rank = ({ kind }: Component) => ['controller', 'webhook', 'ambassador'].indexOf(kind)

/** By the label that the chart writes, else by name. */
function kindOf({ metadata }: KubernetesObject): Component['kind'] | undefined {
  const { name = '', labels = {} } = metadata
  const labelled = labels['app.kubernetes.io/component']
  if (labelled === 'controller' || labelled === 'webhook' || labelled === 'ambassador') {
    return labelled
  }
  if (name === controllerName) return 'controller'
  if (name === webhookName) return 'webhook'
  return name.startsWith(ambassadorPrefix) ? 'ambassador' : undefined
}

function componentOf(
  deployment: KubernetesObject,
  kind: Component['kind'],
  pods: readonly KubernetesObject[],
): Component {
  const { name = '' } = deployment.metadata
  const spec = objectAt(deployment, 'spec')
  const status = objectAt(deployment, 'status')
  const selector = Object.entries(objectAt(spec, 'selector', 'matchLabels') ?? {})
  const [container] = objectsOf(objectAt(spec, 'template', 'spec')?.['containers'])
  return {
    kind,
    name,
    provider: kind === 'ambassador' ? name.slice(ambassadorPrefix.length) : undefined,
    wanted: numberOf(spec?.['replicas'], 1),
    ready: numberOf(status?.['readyReplicas'], 0),
    image: typeof container?.['image'] === 'string' ? container['image'] : '',
    pods: pods.filter(
      ({ metadata }) =>
        selector.length > 0 &&
        metadata['deletionTimestamp'] === undefined &&
        selector.every(([label, value]) => metadata.labels?.[label] === value),
    ),
  }
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

/** Whether a pod has said that it is ready. */
export function isReady(pod: KubernetesObject): boolean {
  return objectsOf(objectAt(pod, 'status')?.['conditions']).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  )
}
