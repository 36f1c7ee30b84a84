import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Encoding } from '../encoding.ts'

/** Files of one process: each is up to 10 MB. */
const filesMax = 8

/** One file that the configuration names. */
interface Entry {
  /** Size, time and inode when it was read last; empty where there was no file. */
  version: string
  /** The last that could be loaded. */
  encoding: Encoding | undefined
  /** Whether the latest load failed. */
  hasFailed: boolean
  loading: Promise<void> | undefined
}

/** The tokenizers that a configuration names by file. */
export class TokenizerFiles {
  readonly #onMissing: (file: string, error: unknown) => void
  readonly #directory: string
  #entries = new Map<string, Entry>()
  /** One load after the other: compiling one takes some hundred MB for a while. */
  #last: Promise<void> = Promise.resolve()

  constructor(onMissing: (file: string, error: unknown) => void, directory: string) {
    this.#onMissing = onMissing
    this.#directory = directory
  }

  /** Whether `file` is named by the configuration. */
  has(file: string): boolean {
    return this.#entries.has(file)
  }

  /** Undefined where it cannot be loaded; a promise while it is loaded for the first time. */
  find(file: string): Encoding | undefined | Promise<void> {
    const entry = this.#entries.get(file)
    return entry?.encoding ?? entry?.loading
  }

  /** As `Encodings.retain`. */
  async retain(files: readonly string[]): Promise<void> {
    const named = [...new Set(files)]
    const refused = named.splice(filesMax)
    const error = new Error(`Cannot load more than ${filesMax} tokenizers`)
    const entries = new Map<string, Entry>()
    for (const file of named) entries.set(file, this.#entries.get(file) ?? emptyEntry())
    // None of these goes by its model's name either: the configuration says that this is wrong.
    for (const file of refused) entries.set(file, emptyEntry())
    this.#entries = entries
    for (const file of refused) this.#onMissing(file, error)
    await Promise.all(named.map((file) => this.#refresh(file)))
  }

  /** Loads a file unless it is as it was: behind all that is asked for already. */
  #refresh(file: string): Promise<void> {
    const entry = this.#entries.get(file)
    if (entry === undefined) return Promise.resolve()
    const loading: Promise<void> = this.#last
      .then(() => this.#load(file, entry))
      .finally(() => {
        if (entry.loading === loading) entry.loading = undefined
      })
    entry.loading = loading
    this.#last = loading
    return loading
  }

  /** Never rejects. */
  async #load(file: string, entry: Entry): Promise<void> {
    const isNamed = () => this.#entries.get(file) === entry
    const path = resolve(this.#directory, file)
    const version = await versionOf(path)
    if (!isNamed() || (version === entry.version && !entry.hasFailed)) return
    entry.version = version
    try {
      const { loadTokenizer } = await import('./load-tokenizer.ts')
      entry.encoding = await loadTokenizer(path)
      entry.hasFailed = false
    } catch (error) {
      entry.hasFailed = true
      if (isNamed()) this.#onMissing(file, error)
    }
  }
}

function emptyEntry(): Entry {
  return { version: '', encoding: undefined, hasFailed: true, loading: undefined }
}

/** What changes with the content; through links, which is how kubelet replaces a file. */
async function versionOf(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(path)
    return `${size} ${mtimeMs} ${ino}`
  } catch {
    // What is wrong with it shows when it is read.
    return ''
  }
}
