import { globSync } from 'node:fs'
import { buildInferenceSim } from '../peers/build.ts'
import { root, run } from './command.ts'

/** The slower suites: full counts of what `npm test` samples, and programs that others wrote. */
const files = globSync(
  ['test/chaos/**/*.test.ts', 'test/cluster/**/*.test.ts', 'test/peers/**/*.test.ts'],
  { cwd: root },
).toSorted()
// Before the tests: with cold caches it takes minutes, which are not the time of a test.
process.stdout.write('building the peers of test/peers\n')
await buildInferenceSim()
process.exit(
  run(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files]),
)
