import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configOf, Half } from '../pair/harness.ts'
import { root } from './command.ts'

/** Kept between runs: entries are found by what a file holds, so that a changed one is compiled anew. */
const directory = join(root, 'node_modules', '.cache', 'outrigger-compile')

/**
 * Has Node keep what it compiled, types stripped, for every process that is started from here on: a
 * half starts with half the processor time. What is killed writes nothing, as halves in tests are, so
 * that each is started once here and ended in order. Takes about two seconds.
 */
export async function fillCompileCache(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] = directory
  const files = mkdtempSync(join(tmpdir(), 'outrigger-cache-'))
  const startAndEnd = async (name: 'sidecar' | 'ambassador', address: readonly string[]) => {
    const file = join(files, `${name}.json`)
    const config = configOf({ provider: 9, sidecar: { drain: { delay: 0, grace: '1s' } } }, address)
    writeFileSync(file, JSON.stringify(config))
    const half = new Half(name, file, {})
    await half.whenReady()
    half.signal('SIGTERM')
    await half.exited()
  }
  try {
    await Promise.all([startAndEnd('ambassador', []), startAndEnd('sidecar', ['127.0.0.1:9'])])
  } catch {
    // A half that does not start is what tests are for: they tell of it, one by one.
    process.stdout.write('nothing is kept of what was compiled: a half does not start\n')
  } finally {
    rmSync(files, { recursive: true, force: true })
  }
}
