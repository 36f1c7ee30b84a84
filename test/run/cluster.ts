import { globSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './command.ts'

const suite = join(root, 'test', 'cluster', 'run.ts')

/**
 * What an older API server may do otherwise: admission, tokens (signed by the other kind of key
 * there), native sidecars. The rest is the same code against the same API, and takes minutes.
 */
const versionDependent = globSync(
  [
    'test/cluster/ground/*.test.ts',
    'test/cluster/chart/apply.test.ts',
    'test/cluster/injection/{injection,backstop,neighbours}.test.ts',
    'test/cluster/identity/tokens.test.ts',
    'test/cluster/sidecar/*.test.ts',
  ],
  { cwd: root },
)

/** The suite on real API servers: as released, then as an older one. Arguments name test files. */
const named = process.argv.slice(2)
const older = named.length > 0 ? named : versionDependent.map((path) => join(root, path))
const codes = [
  run(process.execPath, [suite, ...named]),
  run(process.execPath, [suite, '--emulate', '1.34', ...older]),
]
process.exit(Math.max(...codes))
