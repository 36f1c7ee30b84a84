import { type KubernetesObject, keyOf } from './kubernetes-object.ts'
import type { WatchEvent } from './watch-decoder.ts'

/** What happened to one object; `key` as {@link keyOf} gives it. */
export type Change =
  | { readonly kind: 'added'; readonly key: string; readonly object: KubernetesObject }
  | {
      readonly kind: 'changed'
      readonly key: string
      readonly object: KubernetesObject
      readonly before: KubernetesObject
    }
  | { readonly kind: 'deleted'; readonly key: string; readonly before: KubernetesObject }

/** The objects of one collection as last told. A whole list replaces them at once. */
export class ObjectCache {
  readonly #trim: (object: KubernetesObject) => KubernetesObject
  #objects = new Map<string, KubernetesObject>()

  /** `trim` keeps of an object what is needed; name, namespace, uid and version have to stay. */
  constructor(trim: (object: KubernetesObject) => KubernetesObject = withoutManagedFields) {
    this.#trim = trim
  }

  get objects(): ReadonlyMap<string, KubernetesObject> {
    return this.#objects
  }

  /** Takes a list over and gives what is different: what went first, then the list's order. */
  replace(items: readonly KubernetesObject[]): Change[] {
    const old = this.#objects
    const listed = new Map<string, KubernetesObject>()
    const changes: Change[] = []
    for (const item of items) {
      const key = keyOf(item)
      const before = old.get(key)
      if (before !== undefined && isSame(before, item)) {
        listed.set(key, before)
        continue
      }
      const object = this.#trim(item)
      listed.set(key, object)
      // Deleted and made again while nobody looked: both are told.
      if (before !== undefined && isOther(before, object)) {
        changes.push({ kind: 'deleted', key, before }, { kind: 'added', key, object })
      } else if (before !== undefined) changes.push({ kind: 'changed', key, object, before })
      else changes.push({ kind: 'added', key, object })
    }
    const gone: Change[] = []
    for (const [key, before] of old) {
      if (!listed.has(key)) gone.push({ kind: 'deleted', key, before })
    }
    this.#objects = listed
    return [...gone, ...changes]
  }

  /** Takes one event over; undefined where it says what is known already. */
  apply({ type, object: told }: WatchEvent): Change | undefined {
    if (type === 'BOOKMARK') return undefined
    const key = keyOf(told)
    const before = this.#objects.get(key)
    if (type === 'DELETED') {
      this.#objects.delete(key)
      return before === undefined ? undefined : { kind: 'deleted', key, before }
    }
    if (before !== undefined && isSame(before, told)) return undefined
    const object = this.#trim(told)
    this.#objects.set(key, object)
    return before === undefined
      ? { kind: 'added', key, object }
      : { kind: 'changed', key, object, before }
  }
}

function isSame({ metadata: known }: KubernetesObject, { metadata: told }: KubernetesObject) {
  return known.resourceVersion === told.resourceVersion && known.uid === told.uid
}

function isOther({ metadata: known }: KubernetesObject, { metadata: told }: KubernetesObject) {
  return known.uid !== told.uid
}

/** Who set which field takes more room than many an object, and nobody here asks. */
function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}
