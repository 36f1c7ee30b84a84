import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { LockEntry } from '../lock-entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { runTool } from '../tools.ts'
import { withoutSymbols } from './elf.ts'

/** Node of one architecture. */
export interface NodeBinary {
  readonly version: string
  /** The program without its symbols, 116 MB. */
  readonly program: Buffer
  readonly license: Buffer
}

/** Where it comes from. */
export interface NodeParts {
  /** The repository: npm's settings are read there. */
  readonly root: string
  /** The npm package that carries it. */
  readonly name: string
  readonly pin: LockEntry
  /** Archives are kept here by their hash. */
  readonly cache: string
}

/**
 * Node's binary out of the npm package that package-lock.json pins. Fetched as an archive also
 * where the package is installed: only the archive has the pinned hash.
 *
 * @throws Error where the archive has another hash, or lacks the program or its license.
 */
export async function nodeBinary({ root, name, pin, cache }: NodeParts): Promise<NodeBinary> {
  mkdirSync(cache, { recursive: true })
  const kept = join(cache, `${name}-${pin.sha512.slice(0, 32)}.tgz`)
  if (hashOf(kept) !== pin.sha512) {
    const folder = mkdtempSync(join(cache, 'npm-'))
    try {
      const args = ['pack', `${name}@${pin.version}`, '--pack-destination', folder]
      await runTool('npm', [...args, '--loglevel=error'], root)
      const archive = join(folder, readdirSync(folder)[0] ?? '')
      if (hashOf(archive) !== pin.sha512)
        throw new Error(
          `Cannot use ${name} ${pin.version}: it is not the one package-lock.json pins`,
        )
      renameSync(archive, kept)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const entries = [...readTar(gunzipSync(readFileSync(kept)))]
  const content = (path: string): Buffer => {
    const found = entries.find((entry) => entry.path === path)
    if (found?.kind !== 'file') throw new Error(`Cannot use ${name}: it has no '${path}'`)
    return found.content
  }
  return {
    version: pin.version,
    program: withoutSymbols(content('package/bin/node')),
    license: content('package/LICENSE'),
  }
}

function hashOf(path: string): string | undefined {
  try {
    return createHash('sha512').update(readFileSync(path)).digest('hex')
  } catch {
    // Not there.
    return undefined
  }
}
