import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cell, cells, kvShares } from './cells.ts'
import { contestants } from './contestants.ts'
import { runOrders } from './crew.ts'
import { Progress } from './progress.ts'
import { RunState } from './run-state.ts'
import { nothing, type Unit, type UnitResult, unitId } from './unit.ts'
import type { Order } from './worker.ts'
import { isThere } from './workloads/trace.ts'
import { needsTrace } from './workloads/workload-named.ts'
import { writeResults } from './write-results.ts'

/*
 * Policies that place the calls of a pool, compared in virtual time:
 *
 *     npm run bench:routing -- [--seeds 1,2,3,4,5] [--quick] [--fresh] [--again fair,fast]
 *         [--report] [--cells TEXT] [--trace FILE] [--out FOLDER]
 *
 * It goes on where the last start was stopped: `--fresh` begins anew, `--again` runs those named once
 * more (after a change of their settings). `--cells` runs only those whose id contains the text.
 * `--quick` leaves out the captured load and the 64 replicas. At the end it writes the results;
 * `--report` runs nothing and writes what there is.
 */
const root = resolve(import.meta.dirname, '..', '..', '..')
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3,4,5' },
    quick: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    again: { type: 'string', default: '' },
    cells: { type: 'string', default: '' },
    trace: { type: 'string', default: join(root, '../shared/traces/mooncake-conversation.jsonl') },
    state: { type: 'string', default: join(root, 'node_modules/.cache/bench-routing') },
    out: { type: 'string', default: join(root, 'test/bench/results/routing') },
    workers: { type: 'string', default: '2' },
  },
})

const seeds = values.seeds.split(',').map(Number)
const hasTrace = isThere(values.trace)
const state = new RunState(values.state)
if (values.fresh) state.clear()
if (!hasTrace) {
  console.log(`No trace at '${values.trace}': only the generated workloads are run`)
}
const again = new Set(values.again.split(',').filter((name) => name !== ''))
const units = unitsOf(cells.filter(isWanted))
const done = new Map(units.map((unit) => [unitId(unit), resultOf(unit)]))
// Seed by seed: what was stopped has every cell at least once.
const orders = units
  .flatMap((unit) => (values.report ? [] : orderOf(unit)))
  .toSorted((one, other) => one.unit.seed - other.unit.seed)
const progress = new Progress(orders.length)
await runOrders(orders, {
  workers: Number(values.workers),
  stateFolder: values.state,
  traceFile: values.trace,
  onDone: ({ unit }, result) => {
    const id = unitId(unit)
    const before = done.get(id) ?? nothing
    const all = {
      results: { ...before.results, ...result.results },
      captured: { ...before.captured, ...result.captured },
    }
    done.set(id, all)
    state.write(id, JSON.stringify(all))
    progress.done(id, result)
  },
})
const runs = units.map((unit) => ({ unit, result: done.get(unitId(unit)) ?? nothing }))
await writeResults(runs, { folder: values.out, seeds, isQuick: values.quick })
console.log(`Results are in ${values.out}`)

function isWanted({ id, workload }: Cell): boolean {
  if (needsTrace(workload) && !hasTrace) return false
  return id.includes(values.cells) && !(values.quick && workload === 'trace-wide')
}

function unitsOf(wanted: readonly Cell[]): Unit[] {
  const ofCells = wanted.flatMap((cell) =>
    seeds.slice(0, cell.seedsMax).map((seed): Unit => ({ kind: 'cell', cell, seed })),
  )
  if (values.quick || !hasTrace || !'captured'.includes(values.cells)) return ofCells
  const captured = kvShares.flatMap((share) =>
    seeds.map((seed): Unit => ({ kind: 'captured', share, seed })),
  )
  return [...ofCells, ...captured]
}

function resultOf(unit: Unit): UnitResult {
  const text = state.read(unitId(unit))
  return text === undefined ? nothing : JSON.parse(text)
}

/** What of a unit is still to be run. */
function orderOf(unit: Unit): Order[] {
  const { results, captured } = done.get(unitId(unit)) ?? nothing
  const routers = contestants.filter(({ kind }) => kind !== 'reference').map(({ name }) => name)
  const wanted = unit.kind === 'cell' ? unit.cell.contestants : routers
  const known = new Set(Object.keys(unit.kind === 'cell' ? results : captured))
  const names = wanted.filter((name) => again.has(name) || !known.has(name))
  return names.length === 0 ? [] : [{ unit, names }]
}
