import { join } from 'node:path'

/** What a run of many test files starts from one bundle instead of from its sources. */
type BuiltName = 'sidecar' | 'ambassador' | 'cli'

/** Tells test files where the bundles of their run are; not set where one file is run by itself. */
export const builtVariable = 'TEST_BUILT'

/** How a process of the product is started by a test. */
interface Startable {
  /** The file to run. */
  readonly path: string
  /** What the process has to have in its environment besides. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * The process `name` from the bundles of this run, as the image has them: they start with a third of
 * the processor time that the sources take. From `source` where nothing is built.
 */
export function startable(name: BuiltName, source: string): Startable {
  const built = process.env[builtVariable]
  if (built === undefined) return { path: source, environment: {} }
  const environment = { NODE_COMPILE_CACHE: compiledOf(built) }
  return { path: join(built, 'dist', name, 'main.js'), environment }
}

/** Where what was compiled of the bundles is kept: it ends with them. */
function compiledOf(built: string): string {
  return join(built, 'compiled')
}
