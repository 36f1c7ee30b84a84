import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildHalves } from '../bench/build-halves.ts'
import { builtVariable } from '../built.ts'
import { configOf, Half } from '../pair/harness.ts'
import { root } from './command.ts'

/** Kept between runs: entries are found by what a file holds, so that a changed one is compiled anew. */
const kept = join(root, 'node_modules', '.cache', 'outrigger-compile')

/**
 * Has test files start halves and the command line from bundles below `directory`, with a third of
 * the processor time that sources take; and Node keep what it compiled, types stripped, for every
 * process that is started from here on. What is killed writes nothing, as halves in tests are, so
 * that each is started once here and ended in order, from its sources for those who start them so.
 * Takes about three seconds; `directory` has to outlive the run.
 */
export async function prepareStarts(directory: string): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] = kept
  mkdirSync(directory, { recursive: true })
  try {
    await startAndEndBoth(directory)
    buildHalves(directory)
    process.env[builtVariable] = directory
    await startAndEndBoth(directory)
  } catch {
    // What cannot be built or does not start is what tests are for: they tell of it, one by one.
    delete process.env[builtVariable]
    process.stdout.write('test files start halves from their sources: the bundles do not start\n')
  }
}

async function startAndEndBoth(directory: string): Promise<void> {
  const startAndEnd = async (name: 'sidecar' | 'ambassador', address: readonly string[]) => {
    const file = join(directory, `${name}.json`)
    const config = configOf({ provider: 9, sidecar: { drain: { delay: 0, grace: '1s' } } }, address)
    writeFileSync(file, JSON.stringify(config))
    const half = new Half(name, file, {})
    await half.whenReady()
    half.signal('SIGTERM')
    await half.exited()
  }
  await Promise.all([startAndEnd('ambassador', []), startAndEnd('sidecar', ['127.0.0.1:9'])])
}
