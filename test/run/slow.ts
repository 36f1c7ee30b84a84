import { globSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '../browser/chromium.ts'
import { buildInferenceSim } from '../peers/build.ts'
import { pythonEnvironment } from '../peers/python/environment.ts'
import { root } from './command.ts'
import { runLanes } from './lanes.ts'

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
/** What a call costs is measured with nothing beside it. */
const measured = globSync('test/bench/whole/{cost,layers}.test.ts', { cwd: root }).toSorted()
/** It computes all the time, and takes as long as all others together. */
const soak = 'test/chaos/soak.test.ts'
const others = files.filter((file) => file !== soak && !measured.includes(file))

/** For the longest file, beside the soak on a busy machine. */
const msMax = 900_000
const soakMsMax = 2_400_000
const tests = (ms: number, paths: readonly string[]) => [
  '--test',
  '--test-concurrency=1',
  '--test-reporter=spec',
  `--test-timeout=${ms}`,
  ...paths,
]

// Before the tests: with cold caches it takes minutes, which are not the time of a test.
process.stdout.write('building the peers of test/peers, fetching the browser of test/browser\n')
await buildInferenceSim()
await pythonEnvironment()
await chromium()

const alone = await runLanes([[{ name: 'costs', args: tests(msMax, measured) }]])
/**
 * The cluster waits most of its time, so that the others have the processors meanwhile. The soak comes
 * first, while the cluster is built where it never was, and leaves what others want to them.
 */
const beside = await runLanes([
  // Builds, starts and counts by itself.
  [{ name: 'cluster', args: [join(root, 'test', 'run', 'cluster.ts')] }],
  [
    { name: 'soak', args: tests(soakMsMax, [soak]), niceness: 5 },
    { name: 'suites', args: tests(msMax, others) },
  ],
])
process.exitCode = Math.max(alone, beside)
