import { version } from '#shared/lifecycle/version.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type Acknowledgement, acknowledgements } from '../fleet/acknowledgement.ts'
import { components } from '../fleet/components.ts'
import { heardPods, lastHeard, type SilentAmbassador } from '../fleet/heard-pods.ts'
import { platformFile } from '../fleet/platform-file.ts'
import { podsWithSidecar } from '../pods/with-sidecar.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'

/** Who runs the platform's configuration at one moment. */
export interface Survey {
  /** What sidecars should run. */
  readonly hash: string
  readonly pods: readonly Acknowledgement[]
  /** Ambassadors that run another version of the file than is in the cluster. */
  readonly staleAmbassadors: readonly { readonly ambassador: string; readonly hash: string }[]
  readonly silent: readonly SilentAmbassador[]
}

/** Looks once. Rejects with `CommandFailure` where there is no valid configuration. */
export async function survey(
  cluster: Pick<Cluster, 'api' | 'systemNamespace'>,
  wallMs: number,
  namespace?: string,
): Promise<Survey> {
  const { api, systemNamespace } = cluster
  const [platform, pods, deployed] = await Promise.all([
    platformFile(cluster),
    podsWithSidecar(api, namespace),
    components(cluster),
  ])
  const { projected, held } = platform
  if (projected === undefined || !projected.ok) {
    const state = projected === undefined ? 'does not exist' : 'is not valid'
    throw new CommandFailure(`ConfigMap ${systemNamespace}/outrigger ${state}.`, {
      exit: exits.found,
      remedy: 'Push a valid one: outrigger config push --now FILE.',
    })
  }
  const { hash } = projected.projection
  const { fleets, silent } = await heardPods(api, deployed)
  return {
    hash,
    pods: acknowledgements({ pods, heard: lastHeard(fleets), held, hash, version, wallMs }),
    staleAmbassadors: fleets
      .filter((fleet) => fleet.hash !== platform.hash)
      .map(({ ambassador, hash: runs = 'none' }) => ({ ambassador, hash: runs })),
    silent,
  }
}

/** Pods and ambassadors that do not run it. */
export function behindIn({ pods, staleAmbassadors }: Survey): number {
  return pods.filter(({ isCurrent }) => !isCurrent).length + staleAmbassadors.length
}
