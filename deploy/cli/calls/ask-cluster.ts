import type { Cluster } from '../cluster/cluster.ts'
import { components, isReady } from '../fleet/components.ts'
import { type Answer, ask, firstAdminPort } from './ask-ambassadors.ts'
import type { Forward } from './kubectl-forward.ts'

/**
 * Asks each ready pod of the ambassadors, one after another, until one knows the call: their admin ports
 * are on no network. The last answer where none does; undefined where there are none.
 */
export async function askCluster(
  id: string,
  cluster: Pick<Cluster, 'api' | 'systemNamespace'>,
  forward: Forward,
): Promise<Answer | undefined> {
  const deployed = await components(cluster)
  const pods = deployed
    .filter(({ kind }) => kind === 'ambassador')
    .flatMap((component) => component.pods.filter(isReady))
  let last: Answer | undefined
  for (const { metadata } of pods) {
    const pod = {
      namespace: metadata.namespace ?? cluster.systemNamespace,
      name: metadata.name ?? '',
    }
    last = await forward(pod, firstAdminPort, (address) => ask(address, id))
    if (last.kind === 'found') return last
  }
  return last
}
