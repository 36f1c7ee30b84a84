import { prefix, projectedConfig } from '#deploy/inject/names.ts'
import {
  isJsonObject,
  type JsonObject,
  type KubernetesObject,
} from '#shared/kubernetes/kubernetes-object.ts'
import { authoritiesKey, type Projection } from './project.ts'

/** On every ConfigMap that the controller keeps, and so may take back. */
export const managedLabel = `${prefix}managed`
/** Of the projection inside, for people. */
const hashAnnotation = `${prefix}hash`

/** What every namespace with opted-in pods is given. */
export interface Handout {
  readonly projection: Projection
  /** PEM; undefined where ambassadors are reached without TLS. */
  readonly authorities: string | undefined
}

/** The ConfigMap of a handout in `namespace`: the same of the same handout. */
export function handoutIn(
  namespace: string,
  { projection, authorities }: Handout,
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: projectedConfig,
      namespace,
      labels: { [managedLabel]: 'true', 'app.kubernetes.io/managed-by': 'outrigger' },
      annotations: { [hashAnnotation]: projection.hash },
    },
    data: {
      'outrigger.yaml': projection.text,
      ...(authorities === undefined ? {} : { [authoritiesKey]: authorities }),
    },
  }
}

/** What is to be done so that exactly those who need it hold the handout. */
export interface Distribution {
  /** Merge patches that take out what others have added: server-side apply leaves it to them. */
  readonly strays: ReadonlyMap<string, JsonObject>
  /** Of those in `write` that can only be made anew, since theirs is immutable; by namespace. */
  readonly recreate: ReadonlyMap<string, KubernetesObject>
  readonly write: readonly KubernetesObject[]
  /** Namespaces whose ConfigMap goes. */
  readonly remove: readonly string[]
}

/**
 * Compares what is with what should be. `wanted` are the namespaces that need the handout, `held` the
 * ConfigMaps of that name by namespace. One that somebody else made is written over, since a sidecar
 * would read it, and never removed.
 */
export function distribution(
  handout: Handout,
  wanted: ReadonlySet<string>,
  held: ReadonlyMap<string, KubernetesObject>,
): Distribution {
  const write = [...wanted].toSorted().flatMap((namespace) => {
    const should = handoutIn(namespace, handout)
    const is = held.get(namespace)
    return is !== undefined && isSame(is, should) ? [] : [should]
  })
  const strays = new Map<string, JsonObject>()
  const recreate = new Map<string, KubernetesObject>()
  for (const { metadata } of write) {
    const { namespace = '' } = metadata
    const is = held.get(namespace)
    const patch = is && strayPatch(is, handoutIn(namespace, handout))
    if (is !== undefined && isImmutable(is)) recreate.set(namespace, is)
    else if (patch !== undefined) strays.set(namespace, patch)
  }
  const remove = [...held]
    .filter(([namespace, { metadata }]) => {
      const isOurs = metadata.labels?.[managedLabel] === 'true'
      return isOurs && !wanted.has(namespace)
    })
    .map(([namespace]) => namespace)
    .toSorted()
  return { strays, recreate, write, remove }
}

/** Undefined where there is nothing that is not ours. */
function strayPatch(is: KubernetesObject, should: KubernetesObject): JsonObject | undefined {
  const ours = keysOf(should['data'])
  const strays = keysOf(is['data']).filter((key) => !ours.includes(key))
  if (strays.length === 0 && keysOf(is['binaryData']).length === 0) return undefined
  return { data: Object.fromEntries(strays.map((key) => [key, null])), binaryData: null }
}

function keysOf(data: unknown): string[] {
  return isJsonObject(data) ? Object.keys(data) : []
}

/** Kubelets do not even look at it again: what it holds would be the last that its pods are given. */
function isImmutable(is: KubernetesObject): boolean {
  return is['immutable'] === true
}

/** Whether nothing would change; what others have added to labels and annotations is theirs. */
function isSame(is: KubernetesObject, should: KubernetesObject): boolean {
  const holds = (one: unknown, other: unknown) =>
    Object.entries(isJsonObject(other) ? other : {}).every(
      ([key, value]) => isJsonObject(one) && one[key] === value,
    )
  return (
    !isImmutable(is) &&
    holds(is.metadata.labels, should.metadata.labels) &&
    holds(is.metadata.annotations, should.metadata.annotations) &&
    holds(is['data'], should['data']) &&
    strayPatch(is, should) === undefined
  )
}

/** The configuration inside a ConfigMap that holds one; undefined where it has no such key. */
export function configTextOf(object: KubernetesObject | undefined): string | undefined {
  return textAt(object, 'outrigger.yaml')
}

/** The authorities inside a ConfigMap of ours, PEM; empty where it has none. */
export function trustedIn(object: KubernetesObject | undefined): string {
  return textAt(object, authoritiesKey) ?? ''
}

function textAt(object: KubernetesObject | undefined, key: string): string | undefined {
  const data = object?.['data']
  const text = isJsonObject(data) ? data[key] : undefined
  return typeof text === 'string' ? text : undefined
}
