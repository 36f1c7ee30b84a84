import { globSync } from 'node:fs'
import { root, run } from './command.ts'

/** Everything but the slower suites: `npm test`. Arguments name test files instead. */
const patterns = [
  'test/{shared,sidecar,ambassador,simulator,tidy,pair,clients,local}/**/*.test.ts',
  'test/{inject,webhook,controller,certificates,cli,helm}/**/*.test.ts',
  // The whole image takes minutes: it is of the slower suites.
  'test/image/*.test.ts',
  'test/bench/**/*.test.ts',
]
const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync(patterns, { cwd: root }).toSorted()
process.exit(
  run(process.execPath, [
    '--test',
    // Two cores: more processes at once only make timeouts of each other.
    '--test-concurrency=2',
    '--test-timeout=120000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...files,
  ]),
)
