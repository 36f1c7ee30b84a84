import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cancelled, measureCancel } from './cancel.ts'
import { cancelRows } from './cancel-summary.ts'
import { environment } from './environment.ts'
import { type Cell, measure } from './measure.ts'
import { type LoadProcess, startLoad } from './processes.ts'
import { report } from './report.ts'
import { type Routes, startRoutes } from './routes.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { type Cold, measureStart, type Start } from './start-up.ts'
import { figure } from './statistics.ts'
import { type Measured, verdicts } from './targets.ts'
import type { Finding } from './trial.ts'
import { trials } from './trials.ts'
import { type Warmth, warmUp } from './warm-up.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    // Parts whose name begins so: a scenario, `start` (starts, idle memory, cold calls), `cancel`,
    // a trial.
    only: { type: 'string', default: '' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
})
const repeats = values.quick ? 1 : 5
const share = values.quick ? 0.5 : 1
/** Of the warm-up and of the cancellations: a quick run is only to show that all works. */
const countShare = values.quick ? 0.05 : 1
const chosen = scenarios.filter(({ name }) => name.startsWith(values.only))
const withStart = 'start'.startsWith(values.only)
const withCancel = 'cancel'.startsWith(values.only)
const tried = trials.filter(({ name }) => name.startsWith(values.only))
/** Whether calls go through the common routes: trials have processes of their own. */
const withRoutes = chosen.length > 0 || withStart || withCancel
if (!withRoutes && tried.length === 0) {
  const names = ['start', 'cancel', ...[...scenarios, ...trials].map(({ name }) => name)].join(', ')
  throw new Error(`Cannot run '${values.only}': the parts are ${names}`)
}

/** Where the saturated scenario was not run, a rate that every machine carries. */
const safeRate = 400

const cells = new Map<string, Cell[]>()
const starts: Start[] = []
const colds: Cold[] = []
const warmths: Warmth[] = []
const cancelled: Cancelled[] = []
const findings: Finding[] = []
const about = environment({ repeats, isQuick: values.quick })
// A run that is broken off takes its processes with it, by their `exit` listeners.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const routes = await startRoutes()
const load = await startLoad()
for (const reason of routes.skipped) say(`SKIPPED ${reason}`)
try {
  if (withRoutes) await run({ routes, load })
  for (const trial of tried) {
    findings.push(await trial.run({ routes, load, isQuick: values.quick, say }))
  }
} finally {
  await Promise.all([load.end(), routes.end()])
}
write({ cells, starts, colds, warmths, cancelled, findings })

interface Running {
  readonly routes: Routes
  readonly load: LoadProcess
}

async function run({ routes, load }: Running): Promise<void> {
  for (const route of routes.routes) {
    const warmth = await warmUp(load, route, countShare)
    warmths.push(warmth)
    say(`${route.name} is warm after ${warmth.calls} calls and ${warmth.streams} streams`)
  }
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const scenario of chosen) await round(scenario, { routes, load, repeat })
    if (!withStart) continue
    const beginning = await measureStart(routes, load)
    starts.push(...beginning.starts)
    colds.push(...beginning.colds)
  }
  if (!withCancel) return
  cancelled.push(...(await measureCancel(routes, countShare)))
  say(`${cancelled.length} calls cancelled`)
}

/** One scenario on every route; the order turns with the repeat, so that drift hits all alike. */
async function round(scenario: Scenario, { routes, load, repeat }: Running & { repeat: number }) {
  const halfRate = halfRateOf(scenario)
  const ordered = repeat % 2 === 0 ? routes.routes : routes.routes.toReversed()
  for (const route of ordered) {
    const cell = await measure({ load, route, scenario, halfRate, share })
    const list = cells.get(scenario.name)
    if (list === undefined) cells.set(scenario.name, [cell])
    else list.push(cell)
    say(
      `${repeat + 1}/${repeats} ${scenario.name} ${route.name}: ` +
        `${cell.cpuUsTotal.toFixed(1)} µs CPU/${scenario.unit}, ` +
        `${cell.unitsPerSecond.toFixed(0)}/s, p50 ${cell.latency.p50Ms.toFixed(2)} ms, ` +
        `p99 ${cell.latency.p99Ms.toFixed(2)} ms, losses ${cell.total.losses} ${cell.firstLoss}`,
    )
  }
}

/** Half of what the pair has done in the middle so far: one disturbed window sets no rate. */
function halfRateOf({ halfOf }: Scenario): number {
  const saturated = (cells.get(halfOf ?? '') ?? []).filter(({ route }) => route === 'pair')
  if (saturated.length === 0) return safeRate
  return Math.round(figure(saturated.map(({ unitsPerSecond }) => unitsPerSecond)).median / 2)
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

function write(measured: Measured): void {
  const out = resolve(values.out)
  mkdirSync(out, { recursive: true })
  const save = (name: string, value: object) =>
    writeFileSync(join(out, `${name}.json`), `${JSON.stringify(value, null, 1)}\n`)
  for (const { name, title } of chosen) {
    save(name, { environment: about, title, cells: cells.get(name) ?? [] })
  }
  if (withStart) save('start', { environment: about, starts, colds })
  if (withCancel) save('cancel', { environment: about, cancelled: cancelRows(cancelled) })
  for (const { name, ...finding } of findings) save(name, { environment: about, ...finding })
  save('verdicts', { environment: about, warmths, verdicts: verdicts(measured) })
  const text = report(about, measured, routes.skipped)
  writeFileSync(join(out, 'README.md'), text)
  process.stdout.write(text)
}
