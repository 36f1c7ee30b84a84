import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** What makes a pod anew when it goes. */
export interface Owner {
  readonly namespace: string
  /** `Deployment`, `Job`, or `Pod` where nothing does. */
  readonly kind: string
  readonly name: string
}

/** Who a pod belongs to. A ReplicaSet with a template's hash is a Deployment's. */
export function ownerOf({ metadata }: KubernetesObject): Owner {
  const { namespace = '', name = '' } = metadata
  const owner = objectsOf(metadata['ownerReferences']).find(({ controller }) => controller === true)
  if (owner === undefined) return { namespace, kind: 'Pod', name }
  const kind = String(owner['kind'])
  const ownerName = String(owner['name'])
  const suffix = `-${metadata.labels?.['pod-template-hash']}`
  if (kind === 'ReplicaSet' && ownerName.endsWith(suffix)) {
    return { namespace, kind: 'Deployment', name: ownerName.slice(0, -suffix.length) }
  }
  return { namespace, kind, name: ownerName }
}

/** What to run so that an owner's pods are made anew. */
export function restartOf({ namespace, kind, name }: Owner): string {
  switch (kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
      return `kubectl rollout restart ${kind.toLowerCase()}/${name} -n ${namespace}`
    case 'Job':
      return 'nothing: its next run takes the template of that day'
    case 'Pod':
      return `kubectl delete pod ${name} -n ${namespace}, and create it again`
    default:
      return `make the pods of ${kind}/${name} anew`
  }
}

/** Whether it runs or is about to: not one that has ended or is leaving. */
export function isLive(pod: KubernetesObject): boolean {
  const phase = objectAt(pod, 'status')?.['phase']
  const isLeaving = pod.metadata['deletionTimestamp'] !== undefined
  return !isLeaving && phase !== 'Succeeded' && phase !== 'Failed'
}
