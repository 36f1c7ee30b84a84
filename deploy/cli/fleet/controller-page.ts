import { objectAt } from '#deploy/inject/json.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Cluster, proxyPath } from '../cluster/cluster.ts'
import { type Component, controllerName, probesPorts } from './components.ts'
import { samplesOf } from './metric.ts'

/** Who leads among the controllers, by their Lease. */
export interface Leader {
  /** Name of its pod; empty where nobody holds the lease. */
  readonly holder: string
  /** When it renewed it last, in ms since 1970. */
  readonly renewed: number
}

/** Undefined where there has never been a leader. Rejects with `KubernetesError`. */
export async function leaderOf({
  api,
  systemNamespace,
}: Pick<Cluster, 'api' | 'systemNamespace'>): Promise<Leader | undefined> {
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases`
  const spec = objectAt(await found(api, `${leases}/${controllerName}`), 'spec')
  if (spec === undefined) return undefined
  const { holderIdentity = '', renewTime = '' } = spec
  return { holder: String(holderIdentity), renewed: Date.parse(String(renewTime)) || 0 }
}

/** What the controller that leads says of its work. */
export interface ControllerPage {
  readonly isValid: boolean
  readonly turnsDone: number
  readonly turnsFailed: number
  /** When each certificate ends, in ms since 1970, by Secret. */
  readonly certificates: ReadonlyMap<string, number>
}

/** The pod that holds the lease, as long as there is one of that name. */
export function leadingPod(
  components: readonly Component[],
  leader: Leader | undefined,
): KubernetesObject | undefined {
  const pods = components.flatMap(({ kind, pods }) => (kind === 'controller' ? pods : []))
  return pods.find(({ metadata }) => metadata.name === leader?.holder)
}

/** Reads the metrics of a controller's pod through the API server's proxy. */
export async function controllerPage(
  { api }: Pick<Cluster, 'api'>,
  pod: KubernetesObject,
): Promise<ControllerPage> {
  const page = await api.text(proxyPath(pod, probesPorts.controller, '/metrics'))
  const turns = samplesOf(page, 'outrigger_controller_turns_total')
  const turnsOf = (result: string) =>
    turns.find(({ labels }) => labels['result'] === result)?.value ?? 0
  const ends = samplesOf(page, 'outrigger_controller_certificate_expiry_timestamp_seconds')
  const [valid] = samplesOf(page, 'outrigger_controller_configuration_valid')
  return {
    isValid: valid?.value !== 0,
    turnsDone: turnsOf('done'),
    turnsFailed: turnsOf('failed'),
    certificates: new Map(ends.map(({ labels, value }) => [labels['secret'] ?? '', value * 1_000])),
  }
}
