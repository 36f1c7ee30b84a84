import { touchedAnnotation } from '#deploy/inject/names.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'

/** At once: a cluster of thousands of pods must not feel a configuration's change. */
const atOnceMax = 8

export interface Touched {
  readonly pods: number
  /** Why some were not: the first reason. */
  readonly error: KubernetesError | undefined
}

/**
 * Writes `mark` as an annotation on pods (`namespace/name`): kubelet then looks at once at what they
 * mount, in 0.2–0.5 s instead of up to 90 s (measured). Never rejects; a pod that is gone is none.
 */
export async function touch(
  api: Pick<KubernetesApi, 'patch'>,
  pods: readonly string[],
  mark: string,
): Promise<Touched> {
  const queue = pods.values()
  let touched = 0
  let failure: KubernetesError | undefined
  const work = async () => {
    for (const pod of queue) {
      // Not allowed once is not allowed again.
      if (failure?.status === 403) return
      const [namespace = '', name = ''] = pod.split('/')
      const body = { metadata: { annotations: { [touchedAnnotation]: mark } } }
      try {
        await api.patch(`/api/v1/namespaces/${namespace}/pods/${name}`, body, { type: 'merge' })
        touched++
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error
        if (error.status !== 404) failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: atOnceMax }, work))
  return { pods: touched, error: failure }
}
