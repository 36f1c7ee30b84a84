import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import { sidecarName } from '#deploy/inject/names.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isLive } from '../pods/owner.ts'
import { duration } from '../terminal/table.ts'
import type { HeardPod } from './heard-pods.ts'
import { heldHash } from './platform-file.ts'

/** One pod with a sidecar, and how it stands to the configuration. */
export interface Acknowledgement {
  /** `namespace/name`. */
  readonly pod: string
  /** Of the configuration that it runs; empty where nobody knows of one. */
  readonly config: string
  readonly version: string
  readonly isCurrent: boolean
  /** Why it is behind; empty where it is not. */
  readonly why: string
}

export interface AcknowledgementParts {
  /** Those with a sidecar. */
  readonly pods: readonly KubernetesObject[]
  /** By uid. */
  readonly heard: ReadonlyMap<string, HeardPod>
  /** ConfigMaps `outrigger-sidecar` by namespace. */
  readonly held: ReadonlyMap<string, KubernetesObject>
  /** What sidecars should run. */
  readonly hash: string
  /** Of this command: sidecars of another one are told. */
  readonly version: string
  readonly wallMs: number
}

/** Every live pod, those that are behind first, each group by name. */
export function acknowledgements(parts: AcknowledgementParts): Acknowledgement[] {
  return parts.pods
    .filter(isLive)
    .map((pod) => acknowledgementOf(pod, parts))
    .toSorted(
      (one, other) =>
        Number(one.isCurrent) - Number(other.isCurrent) || (one.pod < other.pod ? -1 : 1),
    )
}

function acknowledgementOf(pod: KubernetesObject, parts: AcknowledgementParts): Acknowledgement {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const heard = parts.heard.get(uid)
  const isCurrent = heard?.config === parts.hash
  const why = isCurrent ? '' : reasonOf(pod, heard, parts)
  const { config = '', version = '' } = heard ?? {}
  const isOther = !isCurrent && version !== '' && version !== parts.version
  const other = isOther ? `; its sidecar is of version ${version} (see outrigger diff)` : ''
  return { pod: `${namespace}/${name}`, config, version, isCurrent, why: why + other }
}

/** The first that holds, in the order in which a configuration travels. */
function reasonOf(
  pod: KubernetesObject,
  heard: HeardPod | undefined,
  { held, hash, wallMs }: AcknowledgementParts,
): string {
  const map = held.get(pod.metadata.namespace ?? '')
  const there = heldHash(map)
  if (there === undefined) return 'its namespace has no ConfigMap outrigger-sidecar yet'
  if (there !== hash) return `its namespace still holds ${there}`
  if (heard === undefined) {
    return hasStarted(pod)
      ? 'no ambassador has heard of it in the last 5m; see its sidecar’s log'
      : 'its sidecar has not started; see kubectl describe pod'
  }
  if (heard.config === '') return `runs no configuration yet, said ${duration(heard.ageMs)} ago`
  const since = writtenAt(map)
  const age =
    since === undefined ? '' : `, which its namespace has held for ${duration(wallMs - since)}`
  return `runs ${heard.config}, said ${duration(heard.ageMs)} ago; not yet ${hash}${age}`
}

function hasStarted(pod: KubernetesObject): boolean {
  return objectsOf(objectAt(pod, 'status')?.['initContainerStatuses']).some(
    ({ name, started }) => name === sidecarName && started === true,
  )
}

/** When its fields were written last, in ms since 1970. */
function writtenAt(map: KubernetesObject | undefined): number | undefined {
  const times = objectsOf(map?.metadata['managedFields'])
    .map(({ time }) => (typeof time === 'string' ? Date.parse(time) : Number.NaN))
    .filter((time) => !Number.isNaN(time))
  return times.length === 0 ? undefined : Math.max(...times)
}
