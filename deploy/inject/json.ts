import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Objects of `value` where it is a list; what is no object is left out. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** The member, where it is an object. */
export function objectAt(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  let at = value
  for (const name of path) at = isJsonObject(at) ? at[name] : undefined
  return isJsonObject(at) ? at : undefined
}

/** Equal as JSON: the order of an object's members does not matter. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, at) => isEqual(item, right[at]))
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isEqual(left[name], right[name]))
  )
}

/** The same text for equal values, whatever the order of members: what a hash is made from. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? 'null'
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  const names = Object.keys(value).toSorted()
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]))
}

/** A copy without these members. */
export function without(object: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** A copy with that member, or without it where `value` is undefined. */
export function withMember(object: JsonObject, name: string, value: unknown): JsonObject {
  if (value === undefined) return without(object, name)
  // Entries, not a literal: a member of the original may be called __proto__.
  return Object.fromEntries([
    ...Object.entries(object).map(([key, old]) => [key, key === name ? value : old]),
    ...(Object.hasOwn(object, name) ? [] : [[name, value]]),
  ])
}
