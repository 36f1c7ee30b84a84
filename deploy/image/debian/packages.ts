import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Architecture } from '../architecture.ts'
import { sha256 } from '../oci/digest.ts'
import type { TarEntry } from '../tar/entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { runTool } from '../tools.ts'
import { Apt } from './apt.ts'
import type { Pin } from './lock.ts'

/** A package as it was unpacked. */
export interface DebianPackage extends Pin {
  /** Its control paragraph. */
  readonly control: string
  readonly entries: readonly TarEntry[]
}

/** What fetching needs. */
export interface FetchParts {
  readonly suite: string
  readonly pins: readonly Pin[]
  readonly architecture: Architecture
  /** Where package files are kept by their hash; one that is there is not fetched again. */
  readonly cache: string
}

/**
 * The packages of `pins`, in their order, each of exactly the pinned hash.
 *
 * @throws Error where a version is no longer on the mirrors, or is another file.
 */
export async function fetchPackages(parts: FetchParts): Promise<DebianPackage[]> {
  const { pins, cache } = parts
  mkdirSync(cache, { recursive: true })
  const missing = pins.filter((pin) => keptFile(cache, pin) === undefined)
  if (missing.length > 0) await fetchInto(parts, missing)
  return Promise.all(
    pins.map((pin) => {
      const path = keptFile(cache, pin)
      if (path === undefined)
        throw new Error(`Cannot use ${pin.name} ${pin.version}: what came has another hash`)
      return unpack(pin, path)
    }),
  )
}

/** A package file opened by dpkg-deb. */
async function unpack(pin: Pin, path: string): Promise<DebianPackage> {
  const [control, archive] = await Promise.all([
    runTool('dpkg-deb', ['--field', path]),
    runTool('dpkg-deb', ['--fsys-tarfile', path]),
  ])
  return { ...pin, control: control.toString('utf8'), entries: [...readTar(archive)] }
}

async function fetchInto(parts: FetchParts, missing: readonly Pin[]): Promise<void> {
  const { cache, suite, architecture } = parts
  const folder = mkdtempSync(join(cache, 'apt-'))
  try {
    const apt = await Apt.open({ folder, suite, architecture })
    const fetched = await apt.fetch(missing).catch((cause: unknown) => {
      const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ')
      const hint =
        'where Debian has replaced them, `node deploy/image/update-packages.ts` pins anew'
      throw new Error(`Cannot fetch ${names}: ${hint}`, { cause })
    })
    for (const name of readdirSync(fetched)) {
      const path = join(fetched, name)
      // By rename: a package of all architectures may be fetched twice at once, and read meanwhile.
      renameSync(path, join(cache, `${sha256(readFileSync(path))}.deb`))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The kept file of this very hash: what was cut or changed in the cache counts as absent. */
function keptFile(cache: string, pin: Pin): string | undefined {
  const path = join(cache, `${pin.sha256}.deb`)
  try {
    return sha256(readFileSync(path)) === pin.sha256 ? path : undefined
  } catch {
    // Not there.
    return undefined
  }
}
