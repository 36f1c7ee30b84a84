import { closeSync, fstatSync, openSync, readFileSync, renameSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A journal of more is none that this program has written: it is made shorter long before. */
const readBytesMax = 64 * 2 ** 20

/** What lies at a path. A reason is the system's code, such as `EACCES`. */
export type JournalReading =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string }

/** A reason is the system's code, such as `ENOSPC`. */
export type Written = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** Reads a whole journal before the first call, when nobody waits for this process yet. */
export function readJournal(path: string): JournalReading {
  try {
    const file = openSync(path, 'r')
    try {
      const stats = fstatSync(file)
      if (!stats.isFile()) return { kind: 'failed', reason: 'not a file' }
      if (stats.size > readBytesMax) return { kind: 'failed', reason: 'larger than 64MiB' }
      return { kind: 'bytes', bytes: readFileSync(file) }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const reason = codeOf(error)
    return reason === 'ENOENT' ? { kind: 'absent' } : { kind: 'failed', reason }
  }
}

/** Puts away a file that is not ours to overwrite, in the place of the one put away before. */
export function putAside(path: string): Written {
  try {
    renameSync(path, `${path}.aside`)
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: codeOf(error) }
  }
}

/**
 * A file that grows at its end and is now and then replaced whole. Each write is on the disk
 * (fdatasync) before it counts as written. One write at a time; none throws.
 */
export class JournalFile {
  readonly #path: string
  #handle: FileHandle | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Adds `text` behind what {@link replace} wrote. A failure may leave a part of it. */
  append(text: string): Promise<Written> {
    return guarded(async () => {
      if (this.#handle === undefined) throw new Error('Cannot append: nothing was written before')
      await this.#handle.appendFile(text)
      await this.#handle.datasync()
    })
  }

  /**
   * Puts `text` in the place of everything. What lay there stays whole until all is on the disk.
   */
  replace(text: string): Promise<Written> {
    return guarded(async () => {
      await this.#close()
      const fresh = `${this.#path}.fresh`
      const handle = await open(fresh, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.datasync()
        await rename(fresh, this.#path)
      } catch (error) {
        await handle.close()
        // On a full disk the half that was written takes room away from others.
        await rm(fresh, { force: true })
        throw error
      }
      this.#handle = handle
      await syncDirectory(dirname(this.#path))
    })
  }

  close(): Promise<Written> {
    return guarded(() => this.#close())
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}

/** The rename itself has to outlast a loss of power. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function guarded(write: () => Promise<void>): Promise<Written> {
  try {
    await write()
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: codeOf(error) }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
