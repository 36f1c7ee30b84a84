import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

const packageLock = v.object({
  packages: v.record(
    v.string(),
    v.object({ version: v.optional(v.string()), integrity: v.optional(v.string()) }),
  ),
})

/** A package as package-lock.json pins it. */
export interface LockEntry {
  readonly version: string
  /** SHA-512 of its archive, in 128 hex digits. */
  readonly sha512: string
}

/** Entries of the repository's package-lock.json by path (`node_modules/pino`). */
export function readPackageLock(root: string): (path: string) => LockEntry {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const { packages } = v.parse(packageLock, JSON.parse(text))
  return (path) => {
    const { version, integrity } = packages[path] ?? {}
    const hash = /^sha512-(.+)$/.exec(integrity ?? '')?.[1]
    if (version === undefined || hash === undefined)
      throw new Error(`Cannot find '${path}': package-lock.json pins no such package by SHA-512`)
    return { version, sha512: Buffer.from(hash, 'base64').toString('hex') }
  }
}
