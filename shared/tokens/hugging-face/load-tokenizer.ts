import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from '#shared/builtins.ts'
import type { Encoding } from '../encoding.ts'
import { cacheFolder } from '../vocabulary/cache-folder.ts'
import { readTableFile, writeTableFile } from '../vocabulary/table-file.ts'
import { TokenizerFileError } from './field.ts'
import {
  digestBytes,
  fileBytesMax,
  isTable,
  type TokenizerTable,
  tableName,
  viewTable,
} from './table.ts'
import { openTokenizer } from './tokenizer.ts'

/** Read and digested at once: about 0.2 ms. */
const chunkBytes = 256 * 1024

/**
 * The tokenizer of the file at `path`: a tokenizer.json, or the table that
 * {@link writeTokenizerTable} made of one, told apart by their first bytes. A table is read in 5 to
 * 15 ms and kept: 1 MB for Llama 2, 6 for Llama 3.1, 7 for Gemma 3. A tokenizer.json is compiled in a
 * thread, which takes 0.2, 1 and 2 s and 40, 140 and 250 MB meanwhile, and its table left in `cache`
 * under the digest of the file; so it is read the next time.
 *
 * Rejects with {@link TokenizerFileError} for a file that is absent, too large, malformed or not
 * supported.
 */
export async function loadTokenizer(path: string, cache = cacheFolder()): Promise<Encoding> {
  return openTokenizer((await loadTable(path, cache)).table)
}

/** A table, and the bytes that another thread can view as one. */
export interface LoadedTable {
  readonly bytes: ArrayBuffer
  readonly table: TokenizerTable
}

/** The table that {@link loadTokenizer} opens: it is come by, and rejects, in the same way. */
export async function loadTable(path: string, cache = cacheFolder()): Promise<LoadedTable> {
  const digest = await examine(path)
  if (digest === undefined) return whole(path, await readTableFile(path))
  const kept = cache === undefined ? undefined : join(cache, `${tableName(digest)}.bin`)
  const found = kept === undefined ? undefined : viewOf(await readTableFile(kept))
  if (found !== undefined) return found
  const { compileApart } = await import('./compile-apart.ts')
  const bytes = await compileApart(path)
  // Where nothing can be kept, as in an image, every start compiles.
  if (kept !== undefined) await writeTableFile(kept, bytes).catch(() => {})
  return whole(path, bytes)
}

/**
 * Compiles the tokenizer.json at `file` into a table at `target`, for {@link loadTokenizer} on a
 * machine of the same byte order. Holds up all else in this process, some seconds for the largest file.
 */
export async function writeTokenizerTable(file: string, target: string): Promise<void> {
  const { compileTokenizer } = await import('./compile.ts')
  await writeTableFile(target, compileTokenizer(await readFile(file)))
}

function viewOf(bytes: ArrayBuffer | undefined): LoadedTable | undefined {
  const table = bytes === undefined ? undefined : viewTable(bytes)
  return bytes === undefined || table === undefined ? undefined : { bytes, table }
}

function whole(path: string, bytes: ArrayBuffer | undefined): LoadedTable {
  const loaded = viewOf(bytes)
  if (loaded !== undefined) return loaded
  throw new TokenizerFileError(
    `Cannot use "${path}": the table is cut or of another version, compile it again`,
  )
}

/** First bytes of the SHA-256 of a tokenizer.json; undefined for a table. */
async function examine(path: string): Promise<Uint8Array | undefined> {
  const refuse = (state: string) => new TokenizerFileError(`Cannot use "${path}": ${state}`)
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const stats = await handle.stat()
    if (!stats.isFile()) throw refuse('it is no file')
    if (stats.size > fileBytesMax) throw refuse(`${stats.size} bytes, more than ${fileBytesMax}`)
    return await digestOf(handle)
  } catch (error) {
    if (error instanceof TokenizerFileError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw refuse(code === 'ENOENT' ? 'it does not exist' : `it cannot be read: ${code}`)
  } finally {
    await handle?.close()
  }
}

async function digestOf(handle: FileHandle): Promise<Uint8Array | undefined> {
  const digest = createHash('sha256')
  const chunk = new Uint8Array(chunkBytes)
  for (let isFirst = true; ; isFirst = false) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes)
    const bytes = chunk.subarray(0, bytesRead)
    if (isFirst && isTable(bytes)) return undefined
    if (bytesRead === 0) return digest.digest().subarray(0, digestBytes)
    digest.update(bytes)
  }
}
