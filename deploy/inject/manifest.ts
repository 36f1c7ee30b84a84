import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Injection, injectOn } from './inject.ts'
import { isEqual, objectAt, withMember } from './json.ts'
import type { Namespace } from './read-pod.ts'
import type { InjectSettings } from './settings.ts'
import { uninject } from './uninject.ts'

/** Where each kind keeps its pod. */
const podPaths: ReadonlyMap<string, readonly string[]> = new Map([
  ['Pod', []],
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job'].map(
    (kind): [string, readonly string[]] => [kind, ['spec', 'template']],
  ),
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
])

/** What became of one object of a manifest, named as kubectl does: `Deployment/web`. */
export interface Outcome<Result> {
  readonly what: string
  readonly result: Result
}

/** The manifest afterwards, and one outcome for each pod or pod template in it. */
export interface Manifest<Result> {
  readonly manifest: unknown
  readonly outcomes: readonly Outcome<Result>[]
}

/**
 * Injects every pod and pod template of a Kubernetes object or List that does not decline. Objects
 * of other kinds, and those that are refused, stay as they are. `namespace` is that of objects
 * without one of their own.
 */
export function injectManifest(
  manifest: unknown,
  namespace: Namespace,
  settings: InjectSettings,
): Manifest<Injection> {
  return eachPod(manifest, (pod, owner) => {
    const named = objectAt(owner, 'metadata')?.['namespace']
    const place =
      typeof named === 'string' && named !== namespace.name ? { name: named } : namespace
    const result = injectOn({ pod, namespace: place, settings, consent: 'command' })
    return { pod: result.kind === 'patch' ? result.pod : pod, result }
  })
}

export type Uninjection =
  | { readonly kind: 'removed' | 'untouched' }
  | { readonly kind: 'refuse'; readonly message: string }

/** The inverse of `injectManifest`, for every pod and pod template in it. */
export function uninjectManifest(manifest: unknown): Manifest<Uninjection> {
  return eachPod<Uninjection>(manifest, (pod) => {
    const removal = uninject(pod)
    if (removal.kind === 'refuse') return { pod, result: removal }
    return { pod: removal.pod, result: { kind: removal.kind } }
  })
}

type Change<Result> = (pod: unknown, owner: JsonObject) => { pod: unknown; result: Result }

function eachPod<Result>(manifest: unknown, change: Change<Result>): Manifest<Result> {
  if (!isJsonObject(manifest)) return { manifest, outcomes: [] }
  const { kind, items } = manifest
  if (kind === 'List' && Array.isArray(items)) {
    const parts = items.map((item) => eachPod(item, change))
    const changed = parts.map((part) => part.manifest)
    return {
      manifest: isEqual(items, changed) ? manifest : withMember(manifest, 'items', changed),
      outcomes: parts.flatMap(({ outcomes }) => outcomes),
    }
  }
  const path = typeof kind === 'string' ? podPaths.get(kind) : undefined
  if (path === undefined) return { manifest, outcomes: [] }
  const { pod, result } = change(valueAt(manifest, path), manifest)
  const name = objectAt(manifest, 'metadata')?.['name']
  const what = `${String(kind)}/${typeof name === 'string' ? name : '(unnamed)'}`
  return { manifest: withValueAt(manifest, path, pod), outcomes: [{ what, result }] }
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  let at = object
  for (const name of path) at = isJsonObject(at) ? at[name] : undefined
  return at
}

/** A copy with `value` there; what lies on the way and is no object stays, with all below it. */
function withValueAt(object: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (!isJsonObject(object) || !Object.hasOwn(object, name)) return object
  return withMember(object, name, withValueAt(object[name], rest, value))
}
