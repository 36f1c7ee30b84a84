import { join } from 'node:path'
import { cacheFolder } from './cache-folder.ts'
import { compileTable } from './compile.ts'
import { type EncodingName, type Table, tableFile, viewTable, vocabularyOf } from './table.ts'
import { readTableFile, writeTableFile } from './table-file.ts'

const packages = {
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
}

/** Tables lie beside a bundled half (`dist/tokens`): its code is in a folder of `dist`. */
const bundled = new URL('../tokens/', import.meta.url)

/**
 * The vocabulary of `name`: from the table beside a bundle, else from the cache of the checkout,
 * else compiled from the package js-tiktoken and left in the cache. Reading takes 2 to 5 ms,
 * compiling about 200.
 */
export async function findTable(name: EncodingName): Promise<Table> {
  const beside = await read(new URL(tableFile(name), bundled))
  if (beside !== undefined) return beside
  const folder = cacheFolder()
  const cache = folder === undefined ? undefined : join(folder, tableFile(name))
  const cached = cache === undefined ? undefined : await read(cache)
  if (cached !== undefined) return cached
  const bytes = await compile(name)
  // A read-only checkout: every start compiles, and counts all the same.
  if (cache !== undefined) await writeTableFile(cache, bytes).catch(() => {})
  const table = viewTable(bytes)
  if (table === undefined) throw new Error(`Cannot compile ${name}: the table cannot be read back`)
  return table
}

/** Writes the table of `name` into `folder`; gives its path. */
export async function writeTable(name: EncodingName, folder: string): Promise<string> {
  const path = join(folder, tableFile(name))
  await writeTableFile(path, await compile(name))
  return path
}

async function compile(name: EncodingName): Promise<ArrayBuffer> {
  const { default: published } = await packages[vocabularyOf(name)]()
  return compileTable(published.bpe_ranks)
}

async function read(file: string | URL): Promise<Table | undefined> {
  const bytes = await readTableFile(file)
  return bytes === undefined ? undefined : viewTable(bytes)
}
