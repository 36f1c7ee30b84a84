import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Half } from './processes.ts'
import { until } from './watch.ts'

/** Collecting hundreds of megabytes takes a second where others want the cores. */
const collectMsMax = 20_000

/** Arguments of a half whose heap can be read. */
export function heapArgs(directory: string): string[] {
  const address = pathToFileURL(join(import.meta.dirname, 'tell-heap.ts'))
  address.searchParams.set('directory', directory)
  return ['--expose-gc', '--import', address.href]
}

/** What a half with those arguments uses of its heap after a collection, in MB of 2^20 bytes. */
export async function usedHeapMB({ pid }: Half, directory: string): Promise<number> {
  const file = join(directory, `${pid}.heap`)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  // Its line feed is written last.
  await until(async () => read().endsWith('\n'), 'told of a heap', collectMsMax)
  return Number(read()) / 2 ** 20
}
