import type { KubernetesApi } from './kubernetes-api.ts'
import { KubernetesError } from './kubernetes-error.ts'
import type { KubernetesObject } from './kubernetes-object.ts'

/** The object at `path`, or undefined where there is none. Rejects with `KubernetesError`. */
export async function found(
  api: Pick<KubernetesApi, 'get'>,
  path: string,
): Promise<KubernetesObject | undefined> {
  try {
    return await api.get(path)
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return undefined
    throw error
  }
}
