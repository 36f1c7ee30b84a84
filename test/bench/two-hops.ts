import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildHalves } from './build-halves.ts'
import { environment } from './environment.ts'
import { type Cell, measure } from './measure.ts'
import { startPair } from './pair.ts'
import { startBareHop, startLoad, startMock } from './processes.ts'
import { bareRoute, pairRoute, type Route } from './routes.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { type Figure, figure, show } from './statistics.ts'
import { warmUp } from './warm-up.ts'

/**
 * What two processes in a row cost that do nothing: a bare hop behind a bare hop, beside both halves and
 * one bare hop alone. What is above the first is the halves' own work. Writes results/two-hops.md.
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
})
const repeats = values.quick ? 1 : 7
const share = values.quick ? 0.2 : 1

/** With more in flight each process finds more to do whenever it wakes. */
function inFlight(calls: number): Scenario {
  return {
    name: `unary-2k-${calls}`,
    title: `unary, 2 KB, ${calls} in flight (per call)`,
    unit: 'call',
    windowMs: 3_000,
    warmMs: 500,
    job: () => ({ bytes: 2_048, events: 0, eventsPerSecond: 0, plan: { kind: 'inFlight', calls } }),
  }
}

const events = scenarios.find(({ name }) => name === 'stream-64x50')
if (events === undefined) throw new Error('Cannot measure events: their scenario is gone')
const loads = [inFlight(16), inFlight(128), { ...events, title: `${events.title} (per event)` }]

interface Way {
  readonly title: string
  readonly route: Route
}

const about = environment({ repeats, isQuick: values.quick })
const directory = mkdtempSync(join(tmpdir(), 'outrigger-two-hops-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const mock = await startMock()
const load = await startLoad()
const last = await startBareHop(mock.port)
const first = await startBareHop(last.port)
const pair = await startPair({
  directory,
  built: buildHalves(directory),
  providerPort: mock.port,
})
const hops = [
  { ...first, name: 'first' },
  { ...last, name: 'last' },
]
const ways: readonly Way[] = [
  { title: 'bare hop', route: bareRoute(last) },
  { title: 'two bare hops', route: { name: 'bare', port: first.port, hops } },
  { title: 'both halves', route: pairRoute(pair) },
]
const cells = new Map<string, Cell[]>()
const keyOf = (scenario: Scenario, way: Way) => `${scenario.title} | ${way.title}`
for (const { route } of ways) await warmUp(load, route, share)
for (let repeat = 0; repeat < repeats; repeat++) {
  const ordered = repeat % 2 === 0 ? ways : ways.toReversed()
  for (const scenario of loads) for (const way of ordered) await run(scenario, way)
}
await Promise.all([load.end(), pair.end(), first.end(), last.end(), mock.end()])

async function run(scenario: Scenario, way: Way): Promise<void> {
  const cell = await measure({ load, route: way.route, scenario, halfRate: 0, share })
  if (cell.total.losses > 0) throw new Error(`Cannot measure: ${cell.firstLoss}`)
  const key = keyOf(scenario, way)
  cells.set(key, [...(cells.get(key) ?? []), cell])
}

/** Of each repeat what it cost in the bare hops of the same repeat. */
function inBareHops(of: readonly Cell[], bare: readonly Cell[]): Figure {
  return figure(of.map((cell, at) => cell.cpuUsTotal / (bare[at]?.cpuUsTotal ?? Number.NaN)))
}

const rows = loads.flatMap((scenario) =>
  ways.map((way) => {
    const own = cells.get(keyOf(scenario, way)) ?? []
    const [bareWay] = ways
    const bare = (bareWay && cells.get(keyOf(scenario, bareWay))) ?? []
    const cpu = show(figure(own.map(({ cpuUsTotal }) => cpuUsTotal)))
    const rate = figure(own.map(({ unitsPerSecond }) => unitsPerSecond)).median.toFixed(0)
    return `| ${keyOf(scenario, way)} | ${cpu} | ${show(inBareHops(own, bare))} | ${rate} |`
  }),
)
const { commit, isDirty, cpu, cores, node, date } = about
writeFileSync(
  join(values.out, 'two-hops.md'),
  `# Two hops in a row

${commit}${isDirty ? ' (with changes)' : ''}, ${date.slice(0, 10)}, Node ${node}, ${cores} × ${cpu}, median of ${repeats} repeats, least and greatest in
brackets. CPU is of the hops alone. Provider and load generator have the same cores, so a process that
stands in a row is woken for less at a time, and its caches have been used by others: two bare hops cost
as a rule more than twice one.

| load | way | CPU µs/unit | in bare hops | units/s |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`,
)
