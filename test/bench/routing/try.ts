import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { cells } from './cells.ts'
import { contestantNamed, withSettings } from './contestants.ts'
import { figureNames, figuresOf } from './figures.ts'
import { RunState } from './run-state.ts'
import { runOf } from './run-unit.ts'
import { tenantSharesOf } from './tenant-shares.ts'

/*
 * Some cells at once, with other settings of ours, printed and not kept:
 *
 *     node test/bench/routing/try.ts --cells 'trace KV 1 × load 0.90' [--seeds 1,2]
 *         [--only pooled,llm-d-default,fair,fast] [--set runningMs=20,ageing=0.1] [--trace FILE]
 */
const root = resolve(import.meta.dirname, '..', '..', '..')
const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '' },
    seeds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    set: { type: 'string', default: '' },
    trace: { type: 'string', default: join(root, '../shared/traces/mooncake-conversation.jsonl') },
  },
})

const only = values.only.split(',').filter((name) => name !== '')
const settings = Object.fromEntries(
  values.set
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('='))
    .map(([name, value]) => [name, Number(value)]),
)
// What the loads are measured by is kept: it does not depend on settings.
const state = new RunState(join(root, 'node_modules/.cache/bench-routing'))

for (const cell of cells.filter(({ id }) => id.includes(values.cells))) {
  for (const seed of values.seeds.split(',').map(Number)) {
    for (const name of cell.contestants.filter((one) => only.length === 0 || only.includes(one))) {
      const contestant = withSettings(contestantNamed(name), settings)
      const startedMs = performance.now()
      const run = runOf(cell, { seed, contestant }, { state, traceFile: values.trace })
      const figures = figuresOf(run)
      const texts = figureNames.map((figure) => `${figure} ${figures[figure].toPrecision(3)}`)
      const { jain, least } = tenantSharesOf(run)
      texts.push(`jain ${jain.toFixed(4)}`, `leastPart ${least.toFixed(3)}`)
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
      console.log(`${cell.id} seed ${seed} ${name}: ${texts.join(', ')} (${seconds} s)`)
    }
  }
}
