import { globSync } from 'node:fs'
import { root, run } from './command.ts'

/** The slower suites: full counts of what `npm test` samples. */
const files = globSync(['test/chaos/**/*.test.ts', 'test/cluster/**/*.test.ts'], {
  cwd: root,
}).toSorted()
if (files.length === 0) process.stdout.write('no slower suites\n')
else
  process.exit(
    run(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files]),
  )
