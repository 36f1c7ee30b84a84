import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

const root = '/sys/fs/cgroup'
const prefix = 'outrigger-node-'

/** The one that pods of a run of this process are in. */
export const ownCgroup = `${prefix}${process.pid}`

/** Each controller has a tree of its own in version 1; one tree has them all in version 2. */
function trees(): readonly string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root]
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name))
}

/** Where a cgroup is, once for each tree. */
export function cgroupDirectories(name: string): readonly string[] {
  return trees().map((tree) => join(tree, name))
}

/** Makes it in every tree. @throws Error where there are none, or they cannot be written. */
export function makeCgroup(name: string): void {
  for (const directory of cgroupDirectories(name)) mkdirSync(directory, { recursive: true })
}

/** Those of runs that were killed. */
export function removeAbandoned(): void {
  const names = new Set(trees().flatMap((tree) => readdirSync(tree)))
  for (const name of names) {
    if (!name.startsWith(prefix)) continue
    if (!existsSync(`/proc/${name.slice(prefix.length)}`)) removeCgroups(name)
  }
}

export function removeCgroups(name: string): void {
  for (const directory of cgroupDirectories(name)) {
    if (existsSync(directory)) removeCgroup(directory)
  }
}

function removeCgroup(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(directory, entry.name))
  }
  try {
    rmdirSync(directory)
  } catch {
    // Still with a process that ends: the next run takes it away.
  }
}
