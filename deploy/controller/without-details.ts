import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Of a pod only where it is: thousands are held. */
export function withoutDetails({ metadata }: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  }
}
