import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { compileTable } from './compile.ts'
import { type EncodingName, type Table, tableFile, viewTable, vocabularyOf } from './table.ts'

const packages = {
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
}

/** Tables lie beside a bundled half (`dist/tokens`): its code is in a folder of `dist`. */
const bundled = new URL('../tokens/', import.meta.url)

/** In `node_modules`, where tools keep what they can make again; undefined without packages. */
function cacheFolder(): URL | undefined {
  try {
    return new URL(
      '../../../.cache/outrigger/',
      import.meta.resolve('js-tiktoken/ranks/o200k_base'),
    )
  } catch {
    // An image has the bundle and its tables alone.
    return undefined
  }
}

/**
 * The vocabulary of `name`: from the table beside a bundle, else from the cache of the checkout,
 * else compiled from the package js-tiktoken and left in the cache. Reading takes 2 to 5 ms,
 * compiling about 200.
 */
export async function findTable(name: EncodingName): Promise<Table> {
  const beside = await read(new URL(tableFile(name), bundled))
  if (beside !== undefined) return beside
  const cache = cacheFolder()
  const cached = cache && (await read(new URL(tableFile(name), cache)))
  if (cached !== undefined) return cached
  const bytes = await compile(name)
  // A read-only checkout: every start compiles, and counts all the same.
  if (cache !== undefined) await keep(name, bytes, fileURLToPath(cache)).catch(() => {})
  const table = viewTable(bytes)
  if (table === undefined) throw new Error(`Cannot compile ${name}: the table cannot be read back`)
  return table
}

/** Writes the table of `name` into `folder`; gives its path. */
export async function writeTable(name: EncodingName, folder: string): Promise<string> {
  return keep(name, await compile(name), folder)
}

async function compile(name: EncodingName): Promise<ArrayBuffer> {
  const { default: published } = await packages[vocabularyOf(name)]()
  return compileTable(published.bpe_ranks)
}

/** Reads at once: `readFile` goes by half a MB, each with a turn of the event loop. */
async function read(file: URL): Promise<Table | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const { size } = await handle.stat()
    const bytes = new Uint8Array(size)
    const { bytesRead } = await handle.read(bytes, 0, size, 0)
    return bytesRead === size ? viewTable(bytes.buffer) : undefined
  } catch {
    // Absent or unreadable: the next place, and at last the package, has the same data.
    return undefined
  } finally {
    await handle?.close()
  }
}

/** By rename, so that a process that starts at the same time reads a whole table or none. */
async function keep(name: EncodingName, bytes: ArrayBuffer, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = `${folder.replace(/\/$/, '')}/${tableFile(name)}`
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, new Uint8Array(bytes))
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return path
}
