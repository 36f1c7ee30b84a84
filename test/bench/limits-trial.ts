import type { Wishes } from './config-text.ts'
import { type LayersCost, measureLayers } from './layers.ts'
import { type Cell, measure } from './measure.ts'
import { startPair } from './pair.ts'
import { startBareHop } from './processes.ts'
import { bareRoute, pairRoute, type Route } from './routes.ts'
import { scenarios } from './scenarios.ts'
import { serve } from './serve.ts'
import { type Figure, figure, show } from './statistics.ts'
import { startStrainedProvider } from './strained.ts'
import type { Table } from './table.ts'
import type { Finding, Trial, Trying } from './trial.ts'
import { providerLimits, tenantLimits } from './wide-limits.ts'

const scenarioName = 'unary-2k'
/** Of these calls; then V8 has settled. */
const warmCalls = 12_000
const warmMsMax = 15_000

const openai = {
  kind: 'openai',
  prices: '{ gpt-4o: { input: 2.5, output: 10 } }',
}

interface Variant {
  readonly name: string
  /** `/told`: the provider tells its limits in headers. */
  readonly basePath: string
  readonly wishes: Wishes
}

const variants: readonly Variant[] = [
  { name: 'pair, nothing configured', basePath: '/v1', wishes: {} },
  {
    name: "pair, prices, limits learned from the provider's headers",
    basePath: '/told/v1',
    wishes: { provider: openai },
  },
  {
    name: 'pair, prices, 5 limits of the tenant, 5 of the provider and its headers',
    basePath: '/told/v1',
    wishes: {
      provider: { ...openai, limits: providerLimits },
      tenant: { limits: tenantLimits, concurrency: '10000' },
    },
  },
]

interface Named {
  readonly name: string
  readonly route: Route
  end(): Promise<void>
}

interface NamedCell extends Cell {
  readonly name: string
}

/** Bare hop and one pair for each variant, in front of one provider. */
async function startWays({ directory, built }: Trying['routes']) {
  const provider = await startStrainedProvider()
  const bare = await startBareHop(provider.port)
  const ways: Named[] = [{ name: 'bare', route: bareRoute(bare), end: () => bare.end() }]
  for (const { name, basePath, wishes } of variants) {
    const options = { directory, built, providerPort: provider.port, basePath, wishes }
    const pair = await startPair(options)
    ways.push({ name, route: pairRoute(pair), end: () => pair.end() })
  }
  const end = async () => {
    await Promise.all([...ways.map((way) => way.end()), provider.end()])
  }
  return { ways, end }
}

async function measureWays({ routes, load, isQuick, say }: Trying): Promise<NamedCell[]> {
  const scenario = scenarios.find(({ name }) => name === scenarioName)
  if (scenario === undefined) throw new Error(`Cannot measure limits: no ${scenarioName}`)
  const { ways, end } = await startWays(routes)
  const cells: NamedCell[] = []
  try {
    for (const { route } of ways) {
      const calls = isQuick ? warmCalls / 10 : warmCalls
      await serve({ load, route, job: scenario.job(0), calls, msMax: warmMsMax })
    }
    for (let repeat = 0; repeat < (isQuick ? 1 : 5); repeat++) {
      for (const { name, route } of repeat % 2 === 0 ? ways : ways.toReversed()) {
        const share = isQuick ? 0.5 : 1
        const cell = await measure({ load, route, scenario, halfRate: 0, share })
        cells.push({ ...cell, name })
        const { cpuUs, total } = cell
        const ambassadorUs = (cpuUs['ambassador'] ?? 0).toFixed(1)
        say(`limits, ${name}: ambassador ${ambassadorUs} µs, losses ${total.losses}`)
      }
    }
  } finally {
    await end()
  }
  return cells
}

const ambassadorUs = (cell: Cell) => cell.cpuUs['ambassador'] ?? 0

function rowsOf(cells: readonly NamedCell[]): string[][] {
  const of = (name: string) => cells.filter((cell) => cell.name === name)
  const bare = of('bare')
  const plain = of(variants[0]?.name ?? '')
  const paired = (
    own: readonly NamedCell[],
    other: readonly NamedCell[],
    by: (a: Cell, b: Cell) => number,
  ): Figure =>
    figure(own.flatMap((cell, at) => (other[at] === undefined ? [] : [by(cell, other[at])])))
  const bareRow = ['bare hop, CPU µs a call', show(figure(bare.map((cell) => cell.cpuUsTotal)))]
  const rows = variants.map(({ name }) => {
    const own = of(name)
    const isPlain = name === variants[0]?.name
    const more = (a: Cell, b: Cell) => ambassadorUs(a) - ambassadorUs(b)
    const moreHops = (a: Cell, b: Cell) => more(a, b) / bareOf(bare, plain, b)
    return [
      `${name}, ambassador, CPU µs a call`,
      show(figure(own.map(ambassadorUs))),
      show(paired(own, bare, (a, b) => ambassadorUs(a) / b.cpuUsTotal)),
      isPlain ? '' : show(paired(own, plain, more)),
      isPlain ? '' : show(paired(own, plain, moreHops)),
      String(own.reduce((sum, { total }) => sum + total.losses, 0)),
    ]
  })
  return [[...bareRow, '1', '', '', ''], ...rows]
}

/** What a bare hop cost in the repeat of `cell`. */
function bareOf(bare: readonly Cell[], plain: readonly Cell[], cell: Cell): number {
  return bare[plain.indexOf(cell)]?.cpuUsTotal ?? Number.NaN
}

function layerRows(layers: readonly LayersCost[]): string[][] {
  return layers.map(({ name, us, addedUs }) => [
    `in process, ${name}, CPU µs a call`,
    show(figure(us)),
    '',
    addedUs.length === 0 ? '' : show(figure(addedUs)),
    '',
    '',
  ])
}

const text = `Unary calls of 2 KB, 16 in flight, through pairs that differ in their configuration, in \
turn in each repeat; no limit binds. The differences are of the same repeat, so their spread is that of
the difference. Retries, breakers and turns are always on: what they cost is in the rows "in process",
where the layers of the ambassador run over an inner service that answers at once, without sockets.`

async function run(trying: Trying): Promise<Finding> {
  const cells = await measureWays(trying)
  const layers = await measureLayers(trying.isQuick)
  const table: Table = {
    head: ['what', 'measured', 'in bare hops', 'more', 'more, in bare hops', 'losses'],
    rows: [...rowsOf(cells), ...layerRows(layers)],
  }
  const title = 'Cost of limits and breaker'
  return { name: 'limits', title, text, table, verdicts: [], figures: { cells, layers } }
}

export const limitsTrial: Trial = {
  name: 'limits',
  wishes: variants.map(({ wishes }) => wishes),
  run,
}
