import { setImmediate } from 'node:timers/promises'
import { encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { memory } from '../cpu.ts'
import { libraries, libraryNames, loadOurs, sharedEncodings } from './libraries.ts'

/** What it takes to load one encoding of one library, in a process of its own. */
export interface Loaded {
  /** From the import of the library to the first count. */
  readonly wholeMs: number
  /** The same without the import of the code, where code and vocabulary are apart: ours. */
  readonly loadMs: number
  /** Heap and buffers that stay, in MB of 10^6 bytes; of ours, without the code. */
  readonly keptMB: number
  /** Memory that the process has got from the system, in MB of 2^20 bytes. */
  readonly anonymousMB: number
}

async function keptBytes(): Promise<number> {
  // Twice: what a finished read holds is let go a turn later.
  globalThis.gc?.()
  await setImmediate()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Prints a {@link Loaded} as JSON. Needs --expose-gc, a library's name and an encoding's. */
if (import.meta.main) {
  const [, , wantedLibrary, wantedEncoding] = process.argv
  const library = libraryNames.find((name) => name === wantedLibrary) ?? 'Outrigger'
  const encoding = encodingNames.find((name) => name === wantedEncoding) ?? 'o200k_base'
  const shared = sharedEncodings.find((name) => name === encoding)
  const anonymousBefore = memory(process.pid).anonymousMB
  const start = performance.now()
  if (library === 'Outrigger') await import('#shared/tokens/encoding.ts')
  const importMs = performance.now() - start
  const keptBefore = await keptBytes()
  const called = performance.now()
  const { count } = await (shared ? libraries[library](shared) : loadOurs(encoding))
  count('Hello, 世界')
  const loadMs = performance.now() - called
  const anonymousMB = memory(process.pid).anonymousMB - anonymousBefore
  const keptMB = ((await keptBytes()) - keptBefore) / 1e6
  const loaded: Loaded = { wholeMs: importMs + loadMs, loadMs, keptMB, anonymousMB }
  process.stdout.write(JSON.stringify(loaded))
}
