import type { Cell } from './measure.ts'
import type { Start } from './start-up.ts'
import { type Figure, figure, show } from './statistics.ts'

/** Everything one run has measured: cells by scenario, one per route and repeat. */
export interface Measured {
  readonly cells: ReadonlyMap<string, readonly Cell[]>
  readonly starts: readonly Start[]
}

/** One line of the design's "Figures to reach", and what this run says of it. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: string
  readonly isHit: boolean
}

type Pick = (cell: Cell) => number

function of(measured: Measured, scenario: string, route: Cell['route']): readonly Cell[] {
  return (measured.cells.get(scenario) ?? []).filter((cell) => cell.route === route)
}

/** `pick` of the pair, repeat by repeat, with that of another route of the same repeat. */
function against(
  measured: Measured,
  scenario: string,
  by: { route: Cell['route']; pick: Pick; combine: (pair: number, other: number) => number },
): Figure | undefined {
  const others = of(measured, scenario, by.route)
  const values = of(measured, scenario, 'pair').map((cell, at) => {
    const other = others[at]
    return other === undefined ? Number.NaN : by.combine(by.pick(cell), by.pick(other))
  })
  return values.length === 0 ? undefined : figure(values)
}

const ratio = (pair: number, other: number) => pair / other
const difference = (pair: number, other: number) => pair - other

/** The pair's CPU per unit in those of the bare hop. */
export function inBareHops(measured: Measured, scenario: string): Figure | undefined {
  return against(measured, scenario, {
    route: 'bare',
    pick: (cell) => cell.cpuUsTotal,
    combine: ratio,
  })
}

/** What the pair adds to the direct way. */
function added(measured: Measured, scenario: string, pick: Pick): Figure | undefined {
  return against(measured, scenario, { route: 'direct', pick, combine: difference })
}

interface Limit {
  readonly what: string
  readonly most: number
  readonly unit: string
  readonly figure: Figure | undefined
}

function verdict({ what, most, unit, figure: value }: Limit): Verdict[] {
  if (value === undefined) return []
  const measured = `${show(value)} ${unit}`
  return [{ what, target: `≤ ${most} ${unit}`, measured, isHit: value.median <= most }]
}

function starts(measured: Measured, pick: (start: Start) => number): Figure | undefined {
  const values = measured.starts.filter(({ half }) => half === 'sidecar').map(pick)
  return values.length === 0 ? undefined : figure(values)
}

function sidecarLoaded(measured: Measured, scenario: string): Figure | undefined {
  const values = of(measured, scenario, 'pair').map(
    (cell) => cell.memory['sidecar']?.anonymousMB ?? 0,
  )
  return values.length === 0 ? undefined : figure(values)
}

/** Judges what was measured, by medians. Lines without a measurement are left out. */
export function verdicts(measured: Measured): Verdict[] {
  const hops = ['unary-0.25k', 'unary-2k', 'unary-40k'].flatMap((name) =>
    verdict({
      what: `both hops, ${name}, 16 in flight`,
      most: 2.5,
      unit: 'bare hops',
      figure: inBareHops(measured, name),
    }),
  )
  const halves = ['unary-0.25k-half', 'unary-2k-half', 'unary-40k-half'].flatMap((name) => [
    ...verdict({
      what: `added latency p50, ${name}`,
      most: 0.4,
      unit: 'ms',
      figure: added(measured, name, (cell) => cell.latency.p50Ms),
    }),
    ...verdict({
      what: `added latency p99, ${name}`,
      most: 3,
      unit: 'ms',
      figure: added(measured, name, (cell) => cell.latency.p99Ms),
    }),
  ])
  return [
    ...hops,
    ...verdict({
      what: 'both hops, per event, 64 × 50/s',
      most: 1.8,
      unit: 'bare hops',
      figure: inBareHops(measured, 'stream-64x50'),
    }),
    ...verdict({
      what: '10,000 events/s, p99 added',
      most: 3,
      unit: 'ms',
      figure: added(measured, 'stream-500x20', (cell) => cell.latency.p99Ms),
    }),
    ...verdict({
      what: '10,000 events/s, events over 50 ms through the pair',
      most: 0,
      unit: 'events',
      figure: against(measured, 'stream-500x20', {
        route: 'pair',
        pick: (cell) => cell.latency.over50Ms,
        combine: (pair) => pair,
      }),
    }),
    ...halves,
    ...verdict({
      what: 'sidecar anonymous memory, idle (token counting is not built)',
      most: 32,
      unit: 'MB',
      figure: starts(measured, ({ idle }) => idle.anonymousMB),
    }),
    ...['unary-2k', 'stream-500x20'].flatMap((name) =>
      verdict({
        what: `sidecar anonymous memory, at the end of ${name}`,
        most: 50,
        unit: 'MB',
        figure: sidecarLoaded(measured, name),
      }),
    ),
    ...verdict({
      what: 'sidecar start to ready, CPU',
      most: 150,
      unit: 'ms',
      figure: starts(measured, ({ cpuMs }) => cpuMs),
    }),
    ...verdict({
      what: 'sidecar start to ready, wall',
      most: 300,
      unit: 'ms',
      figure: starts(measured, ({ wallMs }) => wallMs),
    }),
  ]
}
