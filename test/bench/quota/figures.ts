import type { Figures } from '../../ambassador/quota/figures.ts'
import type { Scenario } from '../../ambassador/quota/scenario.ts'
import { simulate } from '../../ambassador/quota/simulation.ts'
import { table } from '../tokens/table.ts'

/** The design's figures, of calls and of limits: at most, at least, at most. */
const targets = { refused: 0.005, used: 0.97, unfair: 0.05 }

/** A scenario's runs, one for each seed. */
export interface Runs {
  readonly name: string
  readonly figures: readonly Figures[]
}

export interface Wish {
  readonly name: string
  readonly scenario: Scenario
}

export async function runsOf(wishes: readonly Wish[], seeds: readonly number[]): Promise<Runs[]> {
  const all: Runs[] = []
  for (const { name, scenario } of wishes) {
    const figures: Figures[] = []
    for (const seed of seeds) figures.push(await simulate({ ...scenario, seed }))
    process.stderr.write(`bench: quota, ${name}\n`)
    all.push({ name, figures })
  }
  return all
}

interface Column {
  readonly pick: (figures: Figures) => number
  /** Which of two figures is worse. */
  readonly worse: (one: number, other: number) => number
}

const greater: Column['worse'] = (one, other) => Math.max(one, other)
const less: Column['worse'] = (one, other) => Math.min(one, other)

const refused: Column = { pick: (figures) => figures.refusedShare, worse: greater }
const used: Column = { pick: (figures) => figures.utilisation, worse: less }
const unfair: Column = { pick: (figures) => figures.unfairness, worse: greater }

function worst({ figures }: Runs, { pick, worse }: Column): number {
  return figures.map(pick).reduce(worse)
}

function mean({ figures }: Runs, { pick }: Column): number {
  return figures.map(pick).reduce((sum, value) => sum + value, 0) / figures.length
}

function percent(value: number): string {
  return (value * 100).toFixed(2)
}

function cell(runs: Runs, column: Column): string {
  return `${percent(worst(runs, column))} (${percent(mean(runs, column))})`
}

/** The figures that the design names: the worst seed, and the mean of all. */
export function limitTable(all: readonly Runs[]): string {
  const head = [
    'limits',
    `429, % of calls sent (≤ ${percent(targets.refused)})`,
    `utilisation, % (≥ ${percent(targets.used)})`,
    `worst tenant, % off (≤ ${percent(targets.unfair)})`,
    'calls sent in a run',
    '',
  ]
  const rows = all.map((runs) => {
    const isHit =
      worst(runs, refused) <= targets.refused &&
      worst(runs, used) >= targets.used &&
      worst(runs, unfair) <= targets.unfair
    return [
      runs.name,
      cell(runs, refused),
      cell(runs, used),
      cell(runs, unfair),
      String(Math.round(mean(runs, { pick: ({ sent }) => sent, worse: greater }))),
      isHit ? 'hit' : '**miss**',
    ]
  })
  return table(head, rows)
}

/** How calls are turned away. */
export function refusalTable(all: readonly Runs[]): string {
  const column = (pick: (figures: Figures) => number, worse = greater): Column => ({ pick, worse })
  const columns: readonly (readonly [string, Column])[] = [
    ['refused at once, % of those turned away', column((one) => one.refusals.atOnceShare, less)],
    ['let in and waited in vain, % of those let in', column((one) => one.refusals.diedShare)],
    [
      'refused at once, though served within 3/4 of its patience, %',
      column((one) => one.refusals.couldShare),
    ],
    ['though served within half of it, %', column((one) => one.refusals.couldEasilyShare)],
  ]
  const rows = all.map((runs) => [runs.name, ...columns.map(([, each]) => cell(runs, each))])
  return table(['limits', ...columns.map(([name]) => name)], rows)
}

/** Each seed by itself. */
export function seedTable(all: readonly Runs[], seeds: readonly number[]): string {
  const rows = all.map(({ name, figures }) => [
    name,
    ...figures.map(({ refusedShare, utilisation, unfairness }) =>
      [refusedShare, utilisation, unfairness].map(percent).join(' / '),
    ),
  ])
  return table(['limits', ...seeds.map((seed) => `seed ${seed}`)], rows)
}
