import { pause } from '#shared/call/pause.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { heldHash, isKept, platformFile } from '../fleet/platform-file.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** The controller writes within a second of a change; longer, and it is not there. */
const distributionMs = 30_000
const pollMs = 500

/**
 * Waits until `populated`, the namespaces with sidecars, and Outrigger's own hold the newest part, at
 * most 30 s. Gives those that do not, by name. Rejects with `KubernetesError`.
 */
export async function distributed(
  cluster: Pick<Cluster, 'api' | 'systemNamespace'>,
  populated: ReadonlySet<string>,
  clock: Terminal['clock'],
): Promise<string[]> {
  const home = cluster.systemNamespace
  const wanted = [...new Set([home, ...populated])].toSorted()
  const endMs = clock.now() + distributionMs
  for (;;) {
    const { projected, held } = await platformFile(cluster)
    const hash = projected?.ok === true ? projected.projection.hash : undefined
    // Of a file that is not valid there is none, and none will come.
    if (hash === undefined) return wanted
    const late = wanted.filter((name) => heldHash(held.get(name)) !== hash)
    const isAwaited = late.some((name) => name === home || isWritable(held.get(name)))
    if (!isAwaited || clock.now() >= endMs) return late
    await pause(clock, pollMs)
  }
}

/** Whether the controller can write it: not one that is a tenant's own, nor what nobody may change. */
function isWritable(map: KubernetesObject | undefined): boolean {
  return map !== undefined && isKept(map) && map['immutable'] !== true
}
