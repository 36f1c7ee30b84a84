import { behindNewest } from './behind-newest.ts'
import { run, tool } from './command.ts'

const folders = ['ambassador', 'sidecar', 'shared', 'deploy', 'test']

/** Each check by name; all are run, so that one look shows everything. */
const checks: readonly [name: string, run: () => number | Promise<number>][] = [
  ['types', () => run(tool('tsc'), ['-p', '.'])],
  ['format', () => run(tool('biome'), ['ci', '.'])],
  ['lint', () => run(tool('oxlint'), ['--type-aware', '--deny-warnings', ...folders])],
  ['imports', () => run(tool('depcruise'), ['--config', '.dependency-cruiser.mjs', ...folders])],
  ['unused', () => run(tool('knip'), ['--no-progress'])],
  ['versions', behindNewest],
]

const failed: string[] = []
for (const [name, check] of checks) {
  process.stdout.write(`== ${name}\n`)
  if ((await check()) !== 0) failed.push(name)
}
process.stdout.write(failed.length === 0 ? 'all checks passed\n' : `failed: ${failed.join(', ')}\n`)
process.exit(failed.length === 0 ? 0 : 1)
