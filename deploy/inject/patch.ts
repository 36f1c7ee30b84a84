import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isEqual } from './json.ts'
import { longestRising } from './longest-rising.ts'

/** An operation of RFC 6902. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/**
 * Operations that make `after` of `before`, in order; none where they are equal. Lists of named
 * objects (containers, volumes, variables) are matched by name, so that an inserted element is one
 * operation; one that changes throughout is replaced whole. Cost: n log n in a list's length.
 */
export function patchBetween(before: unknown, after: unknown, path = ''): PatchOperation[] {
  if (isEqual(before, after)) return []
  if (isJsonObject(before) && isJsonObject(after)) return patchObject(before, after, path)
  if (Array.isArray(before) && Array.isArray(after)) return patchList(before, after, path)
  return [{ op: 'replace', path, value: after }]
}

function patchObject(before: JsonObject, after: JsonObject, path: string): PatchOperation[] {
  const at = (name: string) => `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
  return [
    ...removed.map((name): PatchOperation => ({ op: 'remove', path: at(name) })),
    ...Object.entries(after).flatMap(([name, value]): PatchOperation[] =>
      Object.hasOwn(before, name)
        ? patchBetween(before[name], value, at(name))
        : [{ op: 'add', path: at(name), value }],
    ),
  ]
}

/** Elements in both lists stay as far as they follow each other alike; the others go, and come. */
function patchList(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): PatchOperation[] {
  const whole: PatchOperation[] = [{ op: 'replace', path, value: after }]
  const oldNames = namesOf(before)
  const newNames = namesOf(after)
  if (oldNames === undefined || newNames === undefined) return whole
  const places = new Map(oldNames.map((name, place) => [name, place]))
  const stay = longestRising(newNames.flatMap((name) => places.get(name) ?? []))
  const moves = before.length + after.length - 2 * stay.size
  if (moves > Math.max(movesMin, after.length)) return whole
  const removed = [...before.keys()].filter((place) => !stay.has(place)).toReversed()
  return [
    ...removed.map((place): PatchOperation => ({ op: 'remove', path: `${path}/${place}` })),
    // From the front: whatever stays has its last place once all before it are there.
    ...newNames.flatMap((name, at): PatchOperation[] => {
      const place = places.get(name)
      return place !== undefined && stay.has(place)
        ? patchBetween(before[place], after[at], `${path}/${at}`)
        : [{ op: 'add', path: `${path}/${at}`, value: after[at] }]
    }),
  ]
}

/** Removals and insertions that no list is replaced for: in a file, its comments would go with it. */
const movesMin = 16

/** Undefined where an element has no name, or two have the same. */
function namesOf(list: readonly unknown[]): string[] | undefined {
  const names = list.map((item) => (isJsonObject(item) ? item['name'] : undefined))
  const texts = names.filter((name) => typeof name === 'string')
  return texts.length === list.length && new Set(texts).size === list.length ? texts : undefined
}
