import { globSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '../browser/chromium.ts'
import { buildInferenceSim } from '../peers/build.ts'
import { pythonEnvironment } from '../peers/python/environment.ts'
import { root, run } from './command.ts'

/** The slower suites: full counts of what `npm test` samples, and programs that others wrote. */
const files = globSync(
  [
    'test/chaos/**/*.test.ts',
    'test/peers/**/*.test.ts',
    'test/**/whole/*.test.ts',
    'test/browser/*.test.ts',
  ],
  { cwd: root },
).toSorted()
// Before the tests: with cold caches it takes minutes, which are not the time of a test.
process.stdout.write('building the peers of test/peers, fetching the browser of test/browser\n')
await buildInferenceSim()
await pythonEnvironment()
await chromium()
const codes = [
  run(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files]),
  // Builds, starts and counts by itself.
  run(process.execPath, [join(root, 'test', 'run', 'cluster.ts')]),
]
process.exit(Math.max(...codes))
