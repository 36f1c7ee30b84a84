import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Architecture } from '../architecture.ts'

const pin = v.strictObject({
  name: v.string(),
  version: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
})

const lock = v.strictObject({
  /** Debian's codename. */
  suite: v.pipe(v.string(), v.regex(/^[a-z]+$/)),
  packages: v.strictObject({ amd64: v.array(pin), arm64: v.array(pin) }),
})

/** One package file of Debian's, by its hash. */
export type Pin = v.InferOutput<typeof pin>

/** The packages that the image is made from. */
export type PackageLock = v.InferOutput<typeof lock>

export const lockFile = join(import.meta.dirname, '..', 'packages.lock.json')

/** The lock file. @throws Error where it is not one, or pins other packages than `names`. */
export function readLock(names: readonly string[], path = lockFile): PackageLock {
  const parsed = v.safeParse(lock, JSON.parse(readFileSync(path, 'utf8')))
  if (!parsed.success) {
    const where = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the file').join(', ')
    throw new Error(`Cannot read '${path}': ${where} is not as it should be`)
  }
  for (const [architecture, pins] of Object.entries(parsed.output.packages)) {
    const pinned = pins.map(({ name }) => name).join(' ')
    if (pinned !== names.join(' '))
      throw new Error(`Cannot use '${path}': for ${architecture} it pins ${pinned || 'nothing'}`)
  }
  return parsed.output
}

/** What `lock` pins for `architecture`. */
export function pinsOf({ packages }: PackageLock, { name }: Architecture): readonly Pin[] {
  return packages[name]
}
