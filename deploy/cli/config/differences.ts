import { parse } from 'yaml'
import { isEqual } from '#deploy/inject/json.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** A key that two configurations give different values; undefined where one has none. */
export interface Difference {
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Keys in which two texts of YAML differ, in the order of `to`. What is no YAML counts as empty. */
export function differences(from: string, to: string): Difference[] {
  return between(valueOf(from), valueOf(to), '')
}

function between(from: unknown, to: unknown, path: string): Difference[] {
  if (isEqual(from, to)) return []
  if (!isJsonObject(from) || !isJsonObject(to)) return [{ path, from, to }]
  const names = [...new Set([...Object.keys(to), ...Object.keys(from)])]
  return names.flatMap((name) => between(from[name], to[name], joined(path, name)))
}

function joined(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}["${name}"]`
  return path === '' ? name : `${path}.${name}`
}

function valueOf(text: string): unknown {
  try {
    const value: unknown = parse(text.replace(/^\uFEFF/, ''), { merge: true })
    return value ?? {}
  } catch {
    return {}
  }
}

const shownMax = 60

/** A value in a table's cell. */
export function shown(value: unknown): string {
  if (value === undefined) return '(absent)'
  const text = JSON.stringify(value)
  return text.length <= shownMax ? text : `${text.slice(0, shownMax - 1)}…`
}
