import { setImmediate } from 'node:timers/promises'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { encodingNames } from '#shared/tokens/vocabulary/table.ts'

/**
 * Loads one encoding in a process of its own and prints what it took, as JSON: milliseconds to the
 * first count, and bytes that stay after it. Needs --expose-gc.
 */
export interface Loaded {
  readonly loadMs: number
  readonly bytes: number
}

async function bytesInUse(): Promise<number> {
  // Twice: what a finished read holds is let go a turn later.
  globalThis.gc?.()
  await setImmediate()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

if (import.meta.main) {
  const name = encodingNames.find((known) => known === process.argv[2]) ?? 'o200k_base'
  const before = await bytesInUse()
  const start = performance.now()
  const encoding = await loadEncoding(name)
  encoding.count('Hello, 世界')
  const loadMs = performance.now() - start
  const loaded: Loaded = { loadMs, bytes: (await bytesInUse()) - before }
  process.stdout.write(JSON.stringify(loaded))
}
