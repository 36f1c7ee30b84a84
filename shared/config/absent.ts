import { nearest } from './nearest.ts'
import type { Finding } from './problems.ts'

interface Wanted {
  readonly path: Finding['path']
  /** What has the names, as a person would call it. */
  readonly group: string
}

/** What to say where `name` is not among `names`; nothing where it is. */
export function absent(name: string, names: readonly string[], { path, group }: Wanted): Finding[] {
  if (setOf(names).has(name)) return []
  const known = names.length === 0 ? `which is empty` : `which has ${names.slice(0, 8).join(', ')}`
  const message = `must be a name under ${group}, ${known}; not "${name}"`
  return [{ path, message, suggestion: () => nearest(name, names) }]
}

const sets = new WeakMap<readonly string[], ReadonlySet<string>>()

/** `names`, made ready once to be asked often: a file has thousands of references to thousands. */
function setOf(names: readonly string[]): ReadonlySet<string> {
  const set = sets.get(names) ?? new Set(names)
  sets.set(names, set)
  return set
}
