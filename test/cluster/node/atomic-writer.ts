import {
  chmod,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** One file of a volume. */
export interface Payload {
  readonly text: string
  /** Permission bits. */
  readonly mode: number
}

/**
 * Writes a volume as kubelet's AtomicWriter does: all files of a version in a directory of their
 * own, the link `..data` renamed onto it, the names that are mounted as links through `..data`.
 * A version that says the same is not written.
 * Source: kubernetes, pkg/volume/util/atomic_writer.go.
 */
export class AtomicWriter {
  readonly #directory: string
  #written = ''
  #count = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** `files` by their paths within the volume. Calls must not overlap. */
  async write(files: ReadonlyMap<string, Payload>): Promise<void> {
    const wanted = JSON.stringify([...files])
    if (wanted === this.#written) return
    const version = `..${new Date().toISOString().replaceAll(/[-:T]/g, '_')}${++this.#count}`
    const previous = await readlink(this.#path('..data')).catch(() => undefined)
    await this.#writeVersion(version, files)
    await symlink(version, this.#path('..data_tmp'))
    await rename(this.#path('..data_tmp'), this.#path('..data'))
    await this.#link(new Set([...files.keys()].map((path) => path.split('/')[0] ?? path)))
    if (previous !== undefined) await rm(this.#path(previous), { recursive: true })
    this.#written = wanted
  }

  async #writeVersion(version: string, files: ReadonlyMap<string, Payload>): Promise<void> {
    await mkdir(this.#path(version), { recursive: true })
    for (const [path, { text, mode }] of files) {
      const file = this.#path(join(version, path))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
      // Whatever the mask of this process is.
      await chmod(file, mode)
    }
  }

  /** Only after the swap: a name that leads nowhere is what nobody may see. */
  async #link(names: ReadonlySet<string>): Promise<void> {
    const there = new Set((await readdir(this.#directory)).filter((name) => !name.startsWith('..')))
    for (const name of names) {
      if (!there.has(name)) await symlink(join('..data', name), this.#path(name))
    }
    for (const name of there) {
      if (!names.has(name)) await unlink(this.#path(name))
    }
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}
