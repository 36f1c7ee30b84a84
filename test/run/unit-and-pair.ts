import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { batches } from './batches.ts'
import { root } from './command.ts'
import { prepareStarts } from './prepare-starts.ts'

/** Everything but the slower suites: `npm test`. Arguments name test files instead. */
const patterns = [
  'test/{shared,sidecar,ambassador,simulator,tidy,pair,clients,local}/**/*.test.ts',
  'test/{inject,webhook,controller,certificates,cli,helm}/**/*.test.ts',
  'test/{image,bench,run}/**/*.test.ts',
]
/** Full counts, whole images: of the slower suites. */
const slower = 'test/**/whole/**'

/** The longest, by processor time: one that began last would be waited for alone. */
const longest: readonly string[] = [
  'test/pair/complaints/complaints.test.ts',
  'test/local/drill.test.ts',
  'test/clients/matrix/matrix.test.ts',
  'test/local/launch.test.ts',
  'test/local/demo.test.ts',
  'test/local/clients.test.ts',
  'test/local/real-host.test.ts',
]

const named = process.argv.slice(2).map((path) => relative(root, resolve(path)))
const all = globSync(patterns, { cwd: root, exclude: [slower] }).toSorted()
const files = named.length > 0 ? named : all
const first = longest.filter((path) => files.includes(path))
const directory = mkdtempSync(join(tmpdir(), 'outrigger-batches-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const { alone, together } = batches([...new Set([...first, ...files])], { root, directory })

/** Two cores, and half of the tests wait for time to pass; more than this make timeouts of each other. */
const concurrency = 3
const msMax = 120_000
process.chdir(root)
// One file is wanted at once.
if (named.length !== 1) await prepareStarts(join(directory, 'built'))
run({
  files: [...alone.slice(0, first.length), ...together, ...alone.slice(first.length)],
  concurrency,
  timeout: msMax,
})
  .on('test:fail', () => {
    process.exitCode = 1
  })
  .compose(new spec())
  .pipe(process.stdout)
