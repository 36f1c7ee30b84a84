import { fileURLToPath } from 'node:url'

/**
 * Where compiled tables are kept between runs: in `node_modules`, where tools keep what they can
 * make again. Undefined without packages: an image has the bundle and its tables alone.
 */
export function cacheFolder(): string | undefined {
  try {
    const ranks = import.meta.resolve('js-tiktoken/ranks/o200k_base')
    return fileURLToPath(new URL('../../../.cache/outrigger', ranks))
  } catch {
    return undefined
  }
}
