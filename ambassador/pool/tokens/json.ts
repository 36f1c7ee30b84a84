/** An object that was parsed from JSON. */
export type Json = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Deeper values are all alike to {@link sortedJson}: no prompt has them. */
const depthMax = 64

/** JSON of a parsed value whose members come in the order of their names: however it was written. */
export function sortedJson(value: unknown, depth = 0): string {
  if (depth > depthMax) return '"…"'
  if (isList(value)) return `[${value.map((item) => sortedJson(item, depth + 1)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${sortedJson(value[key], depth + 1)}`)
  return `{${members.join(',')}}`
}
