import type { Cluster } from '../cluster.ts'
import { asking, create, pod } from '../stage/pods.ts'

/** Milliseconds that each creation took, in order of time. */
export interface Creations {
  /** In a namespace that neither webhook nor backstop looks at. */
  readonly excluded: readonly number[]
  /** Looked at by the match conditions alone. */
  readonly plain: readonly number[]
  /** Sent to the webhook. */
  readonly injected: readonly number[]
}

export interface Trial {
  /** Of each kind. */
  readonly pods: number
  /** Creations at a time; of one kind each, so that kinds never wait for each other. */
  readonly atOnce: number
}

/**
 * Creates pods of the three kinds in turns, so that whatever the machine does meets all alike. Only the
 * creation is timed; the pods go at once, none is ever scheduled.
 */
export async function measureCreations(cluster: Cluster, trial: Trial): Promise<Creations> {
  const open = await cluster.namespace('latency')
  const excluded = await cluster.namespace('latency', { 'outrigger.dev/injection': 'disabled' })
  const times = { excluded: [], plain: [], injected: [] } satisfies Record<string, number[]>
  const kinds = [
    { namespace: excluded, object: pod(), into: times.excluded },
    { namespace: open, object: pod(), into: times.plain },
    { namespace: open, object: pod(asking()), into: times.injected },
  ]
  const createOne = async ({ namespace, object, into }: Kind) => {
    const began = performance.now()
    const { metadata } = await create(cluster, namespace, object)
    into.push(performance.now() - began)
    return `/api/v1/namespaces/${namespace}/pods/${metadata.name}`
  }
  for (let made = 0; made < trial.pods; made += trial.atOnce) {
    for (const kind of kinds) {
      const turn = Array.from({ length: Math.min(trial.atOnce, trial.pods - made) }, () => kind)
      const paths = await Promise.all(turn.map(createOne))
      const removals = paths.map((path) => cluster.api.remove(path, { gracePeriodSeconds: 0 }))
      await Promise.all(removals)
    }
  }
  return times
}

interface Kind {
  readonly namespace: string
  readonly object: Readonly<Record<string, unknown>>
  readonly into: number[]
}

/** The least value that this share of all values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
