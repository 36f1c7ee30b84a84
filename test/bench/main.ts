import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { environment } from './environment.ts'
import { type Cell, measure } from './measure.ts'
import { type LoadProcess, startLoad } from './processes.ts'
import { report } from './report.ts'
import { type Routes, startRoutes } from './routes.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { measureStart, type Start } from './start-up.ts'
import { verdicts } from './targets.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    // Scenarios whose name begins so; `start` is the start and idle memory of the halves.
    only: { type: 'string', default: '' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
})
const repeats = values.quick ? 1 : 5
const share = values.quick ? 0.5 : 1
const chosen = scenarios.filter(({ name }) => name.startsWith(values.only))
const withStart = 'start'.startsWith(values.only)
if (chosen.length === 0 && !withStart) {
  const names = ['start', ...scenarios.map(({ name }) => name)].join(', ')
  throw new Error(`Cannot run '${values.only}': the scenarios are ${names}`)
}

/** Where the saturated scenario was not run, a rate that every machine carries. */
const safeRate = 400

const cells = new Map<string, Cell[]>()
const starts: Start[] = []
const about = environment({ repeats, isQuick: values.quick })
// A run that is broken off takes its processes with it, by their `exit` listeners.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const routes = await startRoutes()
const load = await startLoad()
for (const reason of routes.skipped) process.stderr.write(`bench: SKIPPED ${reason}\n`)
try {
  // A first round that is thrown away: compilers and pools are warm in every counted repeat.
  for (const scenario of chosen)
    await round(scenario, { routes, load, repeat: 0, isCounted: false })
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const scenario of chosen) await round(scenario, { routes, load, repeat, isCounted: true })
    if (withStart) starts.push(...(await measureStart(routes)))
  }
} finally {
  await Promise.all([load.end(), routes.end()])
}
write()

interface Round {
  readonly routes: Routes
  readonly load: LoadProcess
  readonly repeat: number
  readonly isCounted: boolean
}

/** One scenario on every route; the order turns with the repeat, so that drift hits all alike. */
async function round(scenario: Scenario, { routes, load, repeat, isCounted }: Round) {
  const halfRate = halfRateOf(scenario)
  const ordered = repeat % 2 === 0 ? routes.routes : routes.routes.toReversed()
  for (const route of ordered) {
    const windowShare = isCounted ? share : 1
    const cell = await measure({ load, route, scenario, halfRate, share: windowShare })
    if (!isCounted) continue
    const list = cells.get(scenario.name)
    if (list === undefined) cells.set(scenario.name, [cell])
    else list.push(cell)
    process.stderr.write(
      `bench: ${repeat + 1}/${repeats} ${scenario.name} ${route.name}: ` +
        `${cell.cpuUsTotal.toFixed(1)} µs CPU/${scenario.unit}, ` +
        `${cell.unitsPerSecond.toFixed(0)}/s, p50 ${cell.latency.p50Ms.toFixed(2)} ms, ` +
        `p99 ${cell.latency.p99Ms.toFixed(2)} ms, losses ${cell.total.losses} ${cell.firstLoss}\n`,
    )
  }
}

function halfRateOf({ halfOf }: Scenario): number {
  const saturated = cells.get(halfOf ?? '')?.findLast(({ route }) => route === 'pair')
  return saturated === undefined ? safeRate : Math.round(saturated.unitsPerSecond / 2)
}

function write(): void {
  const out = resolve(values.out)
  mkdirSync(out, { recursive: true })
  const save = (name: string, value: object) =>
    writeFileSync(join(out, `${name}.json`), `${JSON.stringify(value, null, 1)}\n`)
  for (const { name, title } of chosen) {
    save(name, { environment: about, title, cells: cells.get(name) ?? [] })
  }
  if (withStart) save('start', { environment: about, starts })
  const measured = { cells, starts }
  save('verdicts', { environment: about, verdicts: verdicts(measured) })
  writeFileSync(join(out, 'README.md'), report(about, measured, routes.skipped))
  process.stdout.write(report(about, measured, routes.skipped))
}
