import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * The bytes of a file, read at once: `readFile` goes by half a MB, each with a turn of the event
 * loop. Undefined where there is none, or none that can be read whole.
 */
export async function readTableFile(path: string | URL): Promise<ArrayBuffer | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const { size } = await handle.stat()
    const bytes = new Uint8Array(size)
    const { bytesRead } = await handle.read(bytes, 0, size, 0)
    return bytesRead === size ? bytes.buffer : undefined
  } catch {
    // Absent or unreadable: who asks makes the table anew, or says that there is none.
    return undefined
  } finally {
    await handle?.close()
  }
}

/** Writes by rename, so that a process that starts at the same time reads a whole table or none. */
export async function writeTableFile(path: string, bytes: ArrayBuffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, new Uint8Array(bytes))
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}
