import * as v from 'valibot'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { parsedJson } from '#shared/kubernetes/kubernetes-object.ts'
import { type ClusterApi, proxyPath } from '../cluster/cluster.ts'
import { type Component, isReady, probesPorts } from './components.ts'

const fleetPage = v.object({
  provider: v.string(),
  hash: v.optional(v.string()),
  pods: v.array(
    v.object({
      pod: v.string(),
      uid: v.string(),
      config: v.string(),
      version: v.string(),
      ageMs: v.number(),
    }),
  ),
})

/** A pod as one ambassador heard of it last. */
export type HeardPod = v.InferOutput<typeof fleetPage>['pods'][number]

/** What one pod of an ambassador tells at `/fleet`. */
export interface FleetOfPod {
  /** Name of the ambassador's pod. */
  readonly ambassador: string
  readonly provider: string
  /** Of the platform's whole file, which it runs; undefined before the first. */
  readonly hash: string | undefined
  readonly pods: readonly HeardPod[]
}

/** An ambassador's pod that could not be asked, and why. */
export interface SilentAmbassador {
  readonly ambassador: string
  readonly reason: string
}

export interface HeardPods {
  readonly fleets: readonly FleetOfPod[]
  readonly silent: readonly SilentAmbassador[]
}

/** Asks every ready pod of the ambassadors, through the API server's proxy. Never rejects. */
export async function heardPods(
  api: Pick<ClusterApi, 'text'>,
  components: readonly Component[],
): Promise<HeardPods> {
  const asked = components
    .filter(({ kind }) => kind === 'ambassador')
    .flatMap(({ pods }) => pods.filter(isReady))
    .map(async (pod): Promise<FleetOfPod | SilentAmbassador> => {
      const ambassador = pod.metadata.name ?? ''
      try {
        const text = await api.text(proxyPath(pod, probesPorts.ambassador, '/fleet'))
        const page = v.safeParse(fleetPage, parsedJson(text))
        if (!page.success) return { ambassador, reason: 'its page /fleet is of another version' }
        const { provider, hash, pods } = page.output
        return { ambassador, provider, hash, pods }
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error
        return { ambassador, reason: error.message }
      }
    })
  const answers = await Promise.all(asked)
  return {
    fleets: answers.flatMap((answer) => ('pods' in answer ? [answer] : [])),
    silent: answers.flatMap((answer) => ('reason' in answer ? [answer] : [])),
  }
}

/** Each pod as it was heard of last, by uid. */
export function lastHeard(fleets: readonly FleetOfPod[]): Map<string, HeardPod> {
  const last = new Map<string, HeardPod>()
  for (const pod of fleets.flatMap(({ pods }) => pods)) {
    const before = last.get(pod.uid)
    if (before === undefined || pod.ageMs < before.ageMs) last.set(pod.uid, pod)
  }
  return last
}
