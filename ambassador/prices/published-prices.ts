import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type PublishedProvider, parseProviders } from './published-schema.ts'
import { publisher } from './publisher.ts'

/**
 * The only file that imports the package, which carries its prices as code: 50 ms of CPU and 21 MB
 * to load, never given back. So what is needed of it lies beside a bundled half, or in the cache of
 * the checkout, as 280 kB of JSON that is read in 10 ms and mostly dropped again.
 */

const fileName = `published-${publisher.version}.json`

/** Prices lie beside a bundled half (`dist/prices`): its code is in a folder of `dist`. */
const bundled = new URL('../prices/', import.meta.url)

/** In `node_modules`, where tools keep what they can make again; undefined without packages. */
function cacheFolder(): URL | undefined {
  try {
    // From dist/index.js of a package with a scope.
    return new URL('../../../.cache/outrigger/', import.meta.resolve(publisher.package))
  } catch {
    // An image has the bundle and its prices alone.
    return undefined
  }
}

/**
 * All published prices; the models of a provider are parsed when asked for. Nothing is fetched.
 *
 * @throws Error where the data is not what this version of the package should have.
 */
export async function loadPublished(): Promise<readonly PublishedProvider[]> {
  const cache = cacheFolder()
  const text = (await read(bundled)) ?? (cache && (await read(cache)))
  if (text !== undefined) return parseFile(text)
  const published = await fromPackage()
  // A read-only checkout: every start imports the package, and prices all the same.
  if (cache !== undefined) await keep(published, fileURLToPath(cache)).catch(() => {})
  return parseFile(published)
}

/** Writes the published prices into `folder`; gives the file's path. */
export async function writePublished(folder: string): Promise<string> {
  return keep(await fromPackage(), folder)
}

/**
 * The text of a file of prices. @throws Error where it is cut or malformed: a price list that is
 * quietly half of one would make calls free.
 */
export function parseFile(text: string): readonly PublishedProvider[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`Cannot read the published prices: ${fileName} is not JSON`, { cause })
  }
  return parseProviders(value)
}

async function fromPackage(): Promise<string> {
  // Its prices as bundled: `updatePrices`, which is not called, is what would fetch others.
  const { waitForUpdate } = await import('@pydantic/genai-prices')
  const providers = parseProviders(await waitForUpdate())
  return JSON.stringify(
    providers.map(({ id, api_pattern, fallback_model_providers, models }) => ({
      id,
      api_pattern,
      fallback_model_providers,
      models: models.map(withoutProse),
    })),
  )
}

function withoutProse(model: unknown): unknown {
  if (typeof model !== 'object' || model === null) return model
  const kept = ['id', 'match', 'prices']
  return Object.fromEntries(Object.entries(model).filter(([key]) => kept.includes(key)))
}

async function read(folder: URL): Promise<string | undefined> {
  try {
    return await readFile(new URL(fileName, folder), 'utf8')
  } catch {
    // Absent or unreadable: the next place, and at last the package, has the same data.
    return undefined
  }
}

/** By rename, so that a process that starts at the same time reads all of it or nothing. */
async function keep(text: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = `${folder.replace(/\/$/, '')}/${fileName}`
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return path
}
