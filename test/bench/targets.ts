import type { Cancelled } from './cancel.ts'
import { pointTitles } from './cancel-calls.ts'
import { cancelMsMax, cancelSummaries } from './cancel-summary.ts'
import type { Cell } from './measure.ts'
import type { Cold, Start } from './start-up.ts'
import { type Figure, figure, show } from './statistics.ts'
import type { Finding } from './trial.ts'
import type { Warmth } from './warm-up.ts'

/** Everything one run has measured: cells by scenario, one per route and repeat. */
export interface Measured {
  readonly cells: ReadonlyMap<string, readonly Cell[]>
  readonly starts: readonly Start[]
  /** The first calls after each start. */
  readonly colds: readonly Cold[]
  readonly warmths: readonly Warmth[]
  readonly cancelled: readonly Cancelled[]
  readonly findings: readonly Finding[]
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

interface Comparison {
  /** Whose figure it is. */
  readonly route: Cell['route']
  readonly other: Cell['route']
  readonly pick: Pick
  readonly combine: (own: number, other: number) => number
}

/** `pick` of a route, repeat by repeat, with that of another route of the same repeat. */
function against(measured: Measured, scenario: string, by: Comparison): Figure | undefined {
  const others = of(measured, scenario, by.other)
  const values = of(measured, scenario, by.route).map((cell, at) => {
    const other = others[at]
    return other === undefined ? Number.NaN : by.combine(by.pick(cell), by.pick(other))
  })
  return values.length === 0 ? undefined : figure(values)
}

const ratio = (own: number, other: number) => own / other
const difference = (own: number, other: number) => own - other

/** A route's CPU per unit in those of the bare hop. */
export function inBareHops(
  measured: Measured,
  scenario: string,
  route: 'pair' | 'nginx',
): Figure | undefined {
  return against(measured, scenario, {
    route,
    other: 'bare',
    pick: (cell) => cell.cpuUsTotal,
    combine: ratio,
  })
}

/** The pair's CPU per call over its first calls, in those of a bare hop just as cold. */
export function coldInBareHops({ colds }: Measured): Figure | undefined {
  const of = (route: Cold['route']) => colds.filter((cold) => cold.route === route)
  const bare = of('bare')
  const ratios = of('pair').flatMap(({ cpuUsTotal }, at) => {
    const other = bare[at]
    return other === undefined ? [] : [cpuUsTotal / other.cpuUsTotal]
  })
  return ratios.length === 0 ? undefined : figure(ratios)
}

/** What the pair adds to the direct way. */
function added(measured: Measured, scenario: string, pick: Pick): Figure | undefined {
  return against(measured, scenario, { route: 'pair', other: 'direct', pick, combine: difference })
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

function ofPair(measured: Measured, scenario: string, pick: Pick): Figure | undefined {
  const values = of(measured, scenario, 'pair').map(pick)
  return values.length === 0 ? undefined : figure(values)
}

function cancelVerdicts(measured: Measured): Verdict[] {
  return cancelSummaries(measured.cancelled).map(({ point, p99Ms, late, failed, count }) => ({
    what: `cancelling, ${pointTitles[point]}, p99 of ${count}`,
    target: `≤ ${cancelMsMax} ms, none failed`,
    measured: `${p99Ms.toFixed(1)} ms, ${late} over, ${failed} failed`,
    isHit: p99Ms <= cancelMsMax && failed === 0,
  }))
}

function hopVerdicts(measured: Measured): Verdict[] {
  const unary = ['unary-0.25k', 'unary-2k', 'unary-40k'].flatMap((name) =>
    verdict({
      what: `both hops, ${name}, 16 in flight`,
      most: 2.5,
      unit: 'bare hops',
      figure: inBareHops(measured, name, 'pair'),
    }),
  )
  const streams = verdict({
    what: 'both hops, per event, 64 × 50/s',
    most: 1.8,
    unit: 'bare hops',
    figure: inBareHops(measured, 'stream-64x50', 'pair'),
  })
  return [...unary, ...streams]
}

function latencyVerdicts(measured: Measured): Verdict[] {
  const streams = [
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
      figure: ofPair(measured, 'stream-500x20', (cell) => cell.latency.over50Ms),
    }),
  ]
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
  return [...streams, ...halves]
}

function processVerdicts(measured: Measured): Verdict[] {
  const idle = verdict({
    what: 'sidecar anonymous memory, idle (no encoding loaded)',
    most: 32,
    unit: 'MB',
    figure: starts(measured, ({ idle }) => idle.anonymousMB),
  })
  const fresh = verdict({
    what: 'sidecar anonymous memory, 2,000 calls/s after a start',
    most: 50,
    unit: 'MB',
    figure: starts(measured, ({ loaded }) => loaded.anonymousMB),
  })
  const loaded = ['unary-2k-steady', 'stream-500x20'].flatMap((name) =>
    verdict({
      what: `sidecar anonymous memory, at the end of ${name}, all other loads before it`,
      most: 50,
      unit: 'MB',
      figure: ofPair(measured, name, (cell) => cell.memory['sidecar']?.anonymousMB ?? 0),
    }),
  )
  const cpu = verdict({
    what: 'sidecar start to ready, CPU',
    most: 150,
    unit: 'ms',
    figure: starts(measured, ({ cpuMs }) => cpuMs),
  })
  const wall = verdict({
    what: 'sidecar start to ready, wall',
    most: 300,
    unit: 'ms',
    figure: starts(measured, ({ wallMs }) => wallMs),
  })
  return [...idle, ...fresh, ...loaded, ...cpu, ...wall]
}

/** Judges what was measured, by medians. Lines without a measurement are left out. */
export function verdicts(measured: Measured): Verdict[] {
  return [
    ...hopVerdicts(measured),
    ...latencyVerdicts(measured),
    ...cancelVerdicts(measured),
    ...processVerdicts(measured),
    ...measured.findings.flatMap((finding) => finding.verdicts),
  ]
}
