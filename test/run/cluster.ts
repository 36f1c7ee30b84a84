import { join } from 'node:path'
import { root, run } from './command.ts'

/** The suite on real API servers: as released, then as an older one. Arguments name test files. */
const suite = join(root, 'test', 'cluster', 'run.ts')
const codes = [[], ['--emulate', '1.34']].map((version) =>
  run(process.execPath, [suite, ...version, ...process.argv.slice(2)]),
)
process.exit(Math.max(...codes))
