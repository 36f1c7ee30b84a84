import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { objectAt, objectsOf, withMember } from './json.ts'

/**
 * `pod` with its volumes and variables in the order of `before`, where these are the same ones: a
 * pod that is brought back has as few of its members moved as possible.
 */
export function inOrderOf(before: JsonObject, pod: JsonObject): JsonObject {
  const old = objectAt(before, 'spec') ?? {}
  const spec = objectAt(pod, 'spec') ?? {}
  const ordered = (list: string) => {
    const byName = new Map(objectsOf(old[list]).map((container) => [container['name'], container]))
    return objectsOf(spec[list]).map((container) => {
      const same = byName.get(container['name'])
      if (same === undefined || !Array.isArray(container['env'])) return container
      return withMember(container, 'env', orderedBy(same['env'], objectsOf(container['env'])))
    })
  }
  return withMember(pod, 'spec', {
    ...spec,
    containers: ordered('containers'),
    initContainers: ordered('initContainers'),
    volumes: orderedBy(old['volumes'], objectsOf(spec['volumes'])),
  })
}

function orderedBy(before: unknown, items: readonly JsonObject[]): readonly JsonObject[] {
  const places = new Map(objectsOf(before).map(({ name }, place) => [name, place]))
  const isSameSet =
    places.size === items.length &&
    objectsOf(before).length === items.length &&
    items.every(({ name }) => places.has(name))
  if (!isSameSet) return items
  const placeOf = ({ name }: JsonObject) => places.get(name) ?? 0
  return items.toSorted((one, other) => placeOf(one) - placeOf(other))
}
