import { isEqual, isObject, type JsonObject } from './json.ts'

/** An operation of RFC 6902. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/**
 * Operations that make `after` of `before`, in order; none where they are equal. Lists of named
 * objects (containers, volumes, variables) are matched by name, so that an inserted element is one
 * operation. Cost: square of a list's length.
 */
export function patchBetween(before: unknown, after: unknown, path = ''): PatchOperation[] {
  if (isEqual(before, after)) return []
  if (isObject(before) && isObject(after)) return patchObject(before, after, path)
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

function patchList(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): PatchOperation[] {
  const oldNames = namesOf(before)
  const newNames = namesOf(after)
  if (oldNames === undefined || newNames === undefined)
    return [{ op: 'replace', path, value: after }]
  const operations: PatchOperation[] = []
  // What the list is after the operations so far.
  let working = [...before]
  let names = [...oldNames]
  const remove = (index: number) => {
    operations.push({ op: 'remove', path: `${path}/${index}` })
    working = working.toSpliced(index, 1)
    names = names.toSpliced(index, 1)
  }
  for (let index = names.length - 1; index >= 0; index--) {
    if (!newNames.includes(names[index] ?? '')) remove(index)
  }
  for (const [index, name] of newNames.entries()) {
    const value = after[index]
    const found = names.indexOf(name)
    if (found > index) remove(found)
    if (found === index) operations.push(...patchBetween(working[index], value, `${path}/${index}`))
    else {
      operations.push({ op: 'add', path: `${path}/${index}`, value })
      working = working.toSpliced(index, 0, value)
      names = names.toSpliced(index, 0, name)
    }
  }
  return operations
}

/** Undefined where an element has no name, or two have the same. */
function namesOf(list: readonly unknown[]): string[] | undefined {
  const names = list.map((item) => (isObject(item) ? item['name'] : undefined))
  const texts = names.filter((name) => typeof name === 'string')
  return texts.length === list.length && new Set(texts).size === list.length ? texts : undefined
}
