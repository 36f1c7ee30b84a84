import { projectedConfig } from '#deploy/inject/names.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { Distribution } from './distribute.ts'

/**
 * Writes a distribution, namespace by namespace. Gives the refusals of single namespaces (a quota, a
 * policy), ours among them, which must not keep configuration and certificates from all others.
 * Rejects with `KubernetesError` where the API server itself is not well.
 */
export async function giveOut(
  api: Pick<KubernetesApi, 'patch' | 'remove'>,
  { strays, recreate, write, remove }: Distribution,
): Promise<ReadonlyMap<string, KubernetesError>> {
  const refusals = new Map<string, KubernetesError>()
  const attempt = async (namespace: string, change: (path: string) => Promise<unknown>) => {
    try {
      await change(`/api/v1/namespaces/${namespace}/configmaps/${projectedConfig}`)
    } catch (error) {
      if (!(error instanceof KubernetesError) || !isOfOneNamespace(error)) throw error
      if (!isLeaving(error)) refusals.set(namespace, error)
    }
  }
  for (const [namespace, body] of strays) {
    await attempt(namespace, (path) => api.patch(path, body, { type: 'merge' }))
  }
  for (const object of write) {
    const { namespace = '' } = object.metadata
    await attempt(namespace, async (path) => {
      const stale = recreate.get(namespace)
      // Where it is gone already, the turn that this begins writes the next.
      if (stale !== undefined) await api.remove(path, stale.metadata.uid)
      await api.patch(path, object, {
        type: 'apply',
        fieldManager: 'outrigger-controller',
        // What a tenant has written over it would be read by its own sidecars alone; still ours.
        force: true,
      })
    })
  }
  for (const namespace of remove) await attempt(namespace, (path) => api.remove(path))
  return refusals
}

/** Neither about who we are, nor about a server that has too much to do or is away. */
function isOfOneNamespace({ status, message }: KubernetesError): boolean {
  // An admission webhook that does not answer, chosen by a label of the namespace, is a 500.
  if (status === 500) return message.includes('failed calling webhook')
  return status >= 400 && status < 500 && status !== 401 && status !== 429
}

/** It is gone already, or its namespace is being deleted and takes nothing new. */
function isLeaving({ status, message }: KubernetesError): boolean {
  return status === 404 || (status === 403 && message.includes('being terminated'))
}
