import { section, type Table } from '../table.ts'
import type { Cell } from './cells.ts'
import { contestants } from './contestants.ts'
import type { FigureName } from './figures.ts'
import { meanEstimate } from './intervals.ts'
import type { Runs } from './runs.ts'
import { comparisons, hardest, showEstimate } from './targets.ts'

const plain: readonly (readonly [string, FigureName])[] = [
  ['p50', 'ttftP50'],
  ['p90', 'ttftP90'],
  ['p99', 'ttftP99'],
  ['largest 1 % p50', 'largeP50'],
  ['largest 1 % max', 'largeMax'],
  ['TPOT p90 ms', 'tpotP90'],
  ['output tokens/s', 'outputTokensPerSecond'],
]

/** One table for each cell: a row for each contestant. */
export function cellTables(runs: Runs): string {
  const tables = runs.cells.map((cell) => section(cell.id, '', tableOf(runs, cell)))
  return `# All cells\n\nTimes to the first token in seconds, means over the seeds with 95 % intervals; ratios are paired by seed.\n${tables.join('')}`
}

function tableOf(runs: Runs, cell: Cell): Table {
  const known = contestants.filter(({ name }) => runs.results(cell, name).length > 0)
  return {
    head: [
      'policy',
      'TTFT mean',
      ...plain.map(([title]) => title),
      'hit %',
      'hit ÷ pooled',
      'prediction off %',
      'preemptions',
      'mean ÷ pooled',
      'mean of llm-d-default ÷ this',
    ],
    rows: known.map(({ name }) => rowOf(runs, cell, name)),
  }
}

function rowOf(runs: Runs, cell: Cell, name: string): string[] {
  const mean = (figure: FigureName) => runs.mean(cell, name, figure)
  const percent = (figure: FigureName) => (mean(figure).value * 100).toFixed(1)
  return [
    name,
    showEstimate(mean('ttftMean')),
    ...plain.map(([, figure]) => figureText(mean(figure).value)),
    percent('hitRate'),
    figureText(runs.ratio(cell, 'hitRate', [name, 'pooled']).value),
    percent('hitError'),
    mean('preemptions').value.toFixed(0),
    figureText(runs.ratio(cell, 'ttftMean', [name, 'pooled']).value),
    showEstimate(runs.ratio(cell, 'ttftMean', ['llm-d-default', name])),
  ]
}

function figureText(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** The best baseline of each cell, hardest first. */
export function hardestTable(runs: Runs): Table {
  const worst = runs.cells.flatMap((cell) => hardest(comparisons(runs, cell)) ?? [])
  const sorted = worst.toSorted((one, other) => one.gain.value - other.gain.value)
  return {
    head: ['cell', 'best baseline', 'compared with', 'its mean TTFT ÷ ours'],
    rows: sorted.map(({ cell, baseline, own, gain }) => [
      cell.id,
      baseline,
      own,
      gain.value < 1 ? `**${showEstimate(gain)}**` : showEstimate(gain),
    ]),
  }
}

/** Loads at the objective, by KV. */
export function capacityTable(runs: Runs): Table {
  const rows = contestants.map(({ name }) => [
    name,
    ...runs.shares.map((share) => showEstimate(meanEstimate(runs.captured(share, name)))),
  ])
  return {
    head: ['policy', ...runs.shares.map((share) => `KV ${share} ×`)],
    rows: runs.shares.length === 0 ? [] : rows.filter(([name]) => name !== 'pooled'),
  }
}

/** What an aggressor and those beside it wait, and how the replicas' time was shared. */
export function tenantTable(runs: Runs): Table {
  const cells = runs.cells.filter(({ workload }) => workload.startsWith('aggressor'))
  const rows = cells.flatMap((cell) =>
    contestants.flatMap(({ name }) => {
      const tenants = runs.results(cell, name).flatMap(({ tenants }) => tenants ?? [])
      if (tenants.length === 0) return []
      const text = (waits: readonly number[]) => showEstimate(meanEstimate(waits))
      return [
        [
          cell.id,
          name,
          text(tenants.map(({ others }) => others.ttftMean)),
          text(tenants.map(({ others }) => others.ttftP90)),
          text(tenants.map(({ aggressor }) => aggressor.ttftMean)),
          text(tenants.map(({ aggressor }) => aggressor.ttftP90)),
          text(tenants.map(({ shares }) => shares.jain)),
          text(tenants.map(({ shares }) => shares.least)),
        ],
      ]
    }),
  )
  return {
    head: [
      'cell',
      'policy',
      'others mean',
      'others p90',
      'aggressor mean',
      'aggressor p90',
      'Jain’s index',
      'least part',
    ],
    rows,
  }
}
