import { projectedConfig } from '#deploy/inject/names.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { Distribution } from './distribute.ts'

export interface GivingParts {
  readonly api: Pick<KubernetesApi, 'patch' | 'remove'>
  /** Our own namespace: what it refuses, everybody would refuse. */
  readonly home: string
}

/**
 * Writes a distribution, namespace by namespace. Gives the refusals of single namespaces (a quota, a
 * policy of the tenant's), which must not keep configuration and certificates from all others.
 * Rejects with `KubernetesError` where the API server itself is not well, or refuses at home.
 */
export async function giveOut(
  { api, home }: GivingParts,
  { strays, write, remove }: Distribution,
): Promise<readonly KubernetesError[]> {
  const refusals: KubernetesError[] = []
  const attempt = async (namespace: string, change: (path: string) => Promise<unknown>) => {
    try {
      await change(`/api/v1/namespaces/${namespace}/configmaps/${projectedConfig}`)
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      if (namespace === home || !isOfOneNamespace(error)) throw error
      if (!isLeaving(error)) refusals.push(error)
    }
  }
  for (const [namespace, body] of strays) {
    await attempt(namespace, (path) => api.patch(path, body, { type: 'merge' }))
  }
  for (const object of write) {
    await attempt(object.metadata.namespace ?? '', (path) =>
      api.patch(path, object, {
        type: 'apply',
        fieldManager: 'outrigger-controller',
        // What a tenant has written over it would be read by its own sidecars alone; still ours.
        force: true,
      }),
    )
  }
  for (const namespace of remove) await attempt(namespace, (path) => api.remove(path))
  return refusals
}

/** Neither about who we are, nor about a server that has too much to do or is away. */
function isOfOneNamespace({ status }: KubernetesError): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 429
}

/** It is gone already, or its namespace is being deleted and takes nothing new. */
function isLeaving({ status, message }: KubernetesError): boolean {
  return status === 404 || (status === 403 && message.includes('being terminated'))
}
