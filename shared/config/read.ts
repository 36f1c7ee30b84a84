import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { configBytesMax } from './read-yaml.ts'

/** The text of a file and where it was found, or why there is none. */
export type FileReading =
  | { readonly ok: true; readonly text: string; readonly from: string }
  | { readonly ok: false; readonly reason: string }

/**
 * How often a reading starts again when kubelet swaps the directory under it. A swap takes
 * microseconds and comes once a minute at most, so a second try nearly always succeeds.
 */
const triesMax = 5

/**
 * Reads `file` of a mounted ConfigMap or of a plain directory. Kubelet puts each version into a
 * directory of its own and renames the link `..data` onto it; reading through the resolved
 * directory never mixes two versions.
 * Source: kubernetes pkg/volume/util/atomic_writer.go. Synchronous: these are small files on tmpfs.
 */
export function readVersion(file: string): FileReading {
  const directory = dirname(file)
  for (let tries = 1; tries <= triesMax; tries++) {
    const version = dataVersion(directory)
    if (version === undefined) return readPlain(file)
    const reading = readPlain(join(directory, version, basename(file)))
    if (reading.ok) return reading
    // Unchanged link: not swapped away, so the file lies beside `..data` or nowhere.
    if (dataVersion(directory) === version) return readPlain(file)
  }
  return { ok: false, reason: `changed during each of ${triesMax} readings` }
}

/** Where `..data` points; undefined in a directory that is not a mounted volume. */
function dataVersion(directory: string): string | undefined {
  try {
    return readlinkSync(join(directory, '..data'))
  } catch {
    // ENOENT or EINVAL: no such link. Other failures show when the file itself is read.
    return undefined
  }
}

function readPlain(path: string): FileReading {
  try {
    const stats = statSync(path)
    // A pipe or device would block the process.
    if (!stats.isFile()) return { ok: false, reason: 'is not a file' }
    if (stats.size > configBytesMax) return { ok: false, reason: 'is larger than 1MiB' }
    return { ok: true, text: readFileSync(path, 'utf8'), from: path }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, reason: code === 'ENOENT' ? 'does not exist' : `cannot be read: ${code}` }
  }
}
