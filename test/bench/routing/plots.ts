import { type Cell, kvShares, traceCell, traceLoads } from './cells.ts'
import { contestants } from './contestants.ts'
import type { FigureName } from './figures.ts'
import { type Estimate, meanEstimate } from './intervals.ts'
import type { Runs } from './runs.ts'
import { dotPlot } from './svg/dot-plot.ts'
import { linePlot } from './svg/line-plot.ts'
import type { Axis, Panel, Plot, Series } from './svg/plot.ts'
import type { Result } from './unit.ts'

type Tenants = NonNullable<Result['tenants']>

/** Few enough to be told apart in one panel. */
const drawn = [
  'fair',
  'fast',
  'llm-d-default',
  'llm-d-default+priority',
  'llm-d-optimized-baseline',
  'vllm-router-cache-aware',
  'least-in-flight',
  'round-robin',
  'pooled',
]
const everybody = contestants.map(({ name }) => name)
const routers = everybody.filter((name) => name !== 'pooled')
const whiskers = 'Means over the seeds; whiskers are 95 % intervals.'
const loadAxis: Axis = { title: 'load (share of the pooled server’s throughput)', kind: 'linear' }

/** File names and their drawings; those without a figure are left out. */
export function plots(runs: Runs): Map<string, string> {
  const lines: [string, Plot][] = [
    ['ttft-load.svg', overLoad(runs, 'ttftMean', 'Mean time to the first token against load')],
    [
      'ttft-p90-load.svg',
      overLoad(runs, 'ttftP90', 'Time to the first token, 90th percentile, against load'),
    ],
    [
      'largest-median.svg',
      overLoad(runs, 'largeP50', 'Largest 1 % of the prompts: median time to the first token'),
    ],
    [
      'largest-maximum.svg',
      overLoad(runs, 'largeMax', 'Largest 1 % of the prompts: longest time to the first token'),
    ],
    ['hit-rate.svg', overLoad(runs, 'hitRate', 'Prompt tokens found in a cache')],
    ['scrapes.svg', overScrapes(runs)],
  ]
  const dots: [string, Plot][] = [
    ['capacity.svg', capacity(runs)],
    ['fairness.svg', fairness(runs)],
    ['shares.svg', shares(runs)],
    ['ladder.svg', ladder(runs)],
    ['workloads.svg', otherWorkloads(runs)],
    ['wide.svg', wide(runs)],
  ]
  return new Map([
    ...lines.filter(hasPanels).map(([name, plot]) => [name, linePlot(plot)] as const),
    ...dots.filter(hasPanels).map(([name, plot]) => [name, dotPlot(plot)] as const),
  ])
}

function hasPanels([, { panels }]: [string, Plot]): boolean {
  return panels.length > 0
}

function isKnown({ series }: Panel): boolean {
  return series.length > 0
}

function point(x: number, estimate: Estimate) {
  return { x, ...estimate }
}

function seriesOf(
  names: readonly string[],
  pointsOf: (name: string) => Series['points'],
): Series[] {
  return names
    .map((name) => ({ name, points: pointsOf(name).filter(({ value }) => !Number.isNaN(value)) }))
    .filter(({ points }) => points.length > 0)
}

function overLoad(runs: Runs, figure: FigureName, title: string): Plot {
  const isRate = figure === 'hitRate'
  const panels = kvShares.map((share) => ({
    title: `KV cache of the pool: ${share} × the working set`,
    series: seriesOf(drawn, (name) =>
      traceLoads.map((load) => point(load, runs.mean(traceCell(share, load), name, figure))),
    ),
  }))
  return {
    title,
    note: `Mooncake conversation trace, 8 replicas. ${isRate ? 'Higher' : 'Lower'} is better. ${whiskers}`,
    x: loadAxis,
    y: isRate
      ? { title: 'share of prompt tokens', kind: 'linear' }
      : { title: 'seconds (log)', kind: 'log' },
    panels: panels.filter(isKnown),
  }
}

function overScrapes(runs: Runs): Plot {
  const scraped = runs.cells.filter(({ scrapeMs }) => scrapeMs !== undefined)
  const series = seriesOf(drawn, (name) =>
    scraped.map((cell) => point((cell.scrapeMs ?? 0) / 1_000, runs.mean(cell, name, 'ttftMean'))),
  )
  return {
    title: 'Mean time to the first token against the age of the gauges',
    note: `Mooncake conversation trace, 8 replicas, KV 1 ×, load 0.9. Lower is better. ${whiskers}`,
    x: { title: 'seconds between scrapes (log)', kind: 'log' },
    y: { title: 'seconds (log)', kind: 'log' },
    panels: [{ title: 'KV cache of the pool: 1 × the working set, load 0.9', series }].filter(
      isKnown,
    ),
  }
}

const waitAxis: Axis = { title: 'seconds (log)', kind: 'log' }

function dots(plot: Omit<Plot, 'y'>): Plot {
  return { ...plot, y: plot.x, panels: plot.panels.filter(isKnown) }
}

function capacity(runs: Runs): Plot {
  const panels = runs.shares.map((share) => ({
    title: `KV cache of the pool: ${share} × the working set`,
    series: seriesOf(routers, (name) => [point(share, meanEstimate(runs.captured(share, name)))]),
  }))
  return dots({
    title: 'Load up to which nine calls of ten have their first token within 2 s',
    note: `Mooncake conversation trace, 8 replicas. Higher is better. ${whiskers}`,
    x: { title: 'load (share of the pooled server’s throughput)', kind: 'linear' },
    panels,
  })
}

function meansOf(runs: Runs, cell: Cell): Series[] {
  return seriesOf(everybody, (name) => [point(0, runs.mean(cell, name, 'ttftMean'))])
}

/** One panel for each cell with an aggressor. */
function besideAggressor(runs: Runs, valueOf: (tenants: Tenants) => number): Panel[] {
  const cells = runs.cells.filter(({ workload }) => workload.startsWith('aggressor'))
  return cells.map((cell) => ({
    title: `${cell.workload === 'aggressor-rate' ? 'It sends 10 × the calls' : 'It sends 100k-token prompts'}, load ${cell.load}`,
    series: seriesOf(everybody, (name) => {
      const tenants = runs.results(cell, name).flatMap((result) => result.tenants ?? [])
      return [point(0, meanEstimate(tenants.map(valueOf)))]
    }),
  }))
}

function fairness(runs: Runs): Plot {
  return dots({
    title: 'Beside a tenant that asks for too much: what the nine others wait',
    note: `Time to the first token of the other tenants, 90th percentile. Lower is better. ${whiskers}`,
    x: waitAxis,
    panels: besideAggressor(runs, ({ others }) => others.ttftP90),
  })
}

function shares(runs: Runs): Plot {
  return dots({
    title: 'Beside a tenant that asks for too much: what the tenant that fares worst has',
    note: `Part of its max-min fair share of the replicas’ time that it had until the last call came. Higher is better. ${whiskers}`,
    x: { title: 'part of its fair share', kind: 'linear' },
    panels: besideAggressor(runs, ({ shares: { least } }) => least),
  })
}

function ladder(runs: Runs): Plot {
  const cells = runs.cells.filter(({ workload }) => workload === 'ladder')
  return dots({
    title: 'The llm-d ladder: mean time to the first token',
    note: `17 stages of 3 to 60 calls a second, 8 replicas. Lower is better. ${whiskers}`,
    x: waitAxis,
    panels: cells.map((cell) => ({
      title: `KV cache of a replica: ${cell.kv} tokens`,
      series: meansOf(runs, cell),
    })),
  })
}

function wide(runs: Runs): Plot {
  const cells = runs.cells.filter(({ workload }) => workload === 'trace-wide')
  return dots({
    title: '64 replicas: mean time to the first token',
    note: `Eight Mooncake traces at once, KV 1 × their working sets. Lower is better. ${whiskers}`,
    x: waitAxis,
    panels: cells.map((cell) => ({ title: `load ${cell.load}`, series: meansOf(runs, cell) })),
  })
}

function otherWorkloads(runs: Runs): Plot {
  const apart = ['trace', 'trace-wide', 'ladder', 'aggressor-rate', 'aggressor-size']
  const cells = runs.cells.filter(({ workload }) => !apart.includes(workload))
  return dots({
    title: 'Other workloads: mean time to the first token',
    note: `8 replicas. Lower is better. ${whiskers}`,
    x: waitAxis,
    panels: cells.map((cell) => ({ title: cell.id, series: meansOf(runs, cell) })),
  })
}
