import { mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Files by path, all in one directory, with their texts. */
type Files = ReadonlyMap<string, string>

/** Opens, truncates, writes: `cp`, `tee`, nano. */
export async function inPlace(files: Files): Promise<void> {
  for (const [file, text] of files) await writeFile(file, text)
}

/** Writes a second file and renames it over the first: VS Code, sed -i, most tools. */
export async function byRename(files: Files): Promise<void> {
  for (const [file, text] of files) {
    await writeFile(`${file}.tmp`, text)
    await rename(`${file}.tmp`, file)
  }
}

/** Moves the old file aside, writes a new one, removes the old: vim with `backupcopy=no`. */
export async function byBackup(files: Files): Promise<void> {
  for (const [file, text] of files) {
    await rename(file, `${file}~`)
    await writeFile(file, text)
    await unlink(`${file}~`)
  }
}

/** Writes as kubelet does: a directory for each version, and the link `..data` renamed onto it. */
export class Volume {
  #count = 0
  #last: string | undefined

  readonly write = async (files: Files): Promise<void> => {
    const [first = ''] = files.keys()
    const directory = dirname(first)
    const version = `..version_${++this.#count}`
    await mkdir(join(directory, version))
    for (const [file, text] of files)
      await writeFile(join(directory, version, basename(file)), text)
    await symlink(version, join(directory, '..data_tmp'))
    await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    if (this.#last === undefined) await this.#link(files)
    else await rm(join(directory, this.#last), { recursive: true })
    this.#last = version
  }

  /** The names that are mounted lead through `..data`; they are made once. */
  async #link(files: Files): Promise<void> {
    for (const file of files.keys()) {
      await symlink(join('..data', basename(file)), `${file}.tmp`)
      await rename(`${file}.tmp`, file)
    }
  }
}
