import type { Arrival, PoolRun } from '#deploy/simulator/pool/arrival.ts'
import { capturedLoad } from './captured.ts'
import { type Cell, traceCell, traceLoads } from './cells.ts'
import { type Contestant, contestantNamed } from './contestants.ts'
import { figuresOf, waitsOf } from './figures.ts'
import { runOnce, saturationSpeed } from './run-once.ts'
import type { RunState } from './run-state.ts'
import { tenantSharesOf } from './tenant-shares.ts'
import { nothing, type Result, type Unit, type UnitResult, unitId } from './unit.ts'
import { aggressorName } from './workloads/aggressor.ts'
import type { Draw, Workload } from './workloads/workload.ts'
import { workloadNamed } from './workloads/workload-named.ts'

export interface UnitParts {
  readonly state: RunState
  readonly traceFile: string
}

/** Runs `names` of one unit, one after the other, on the same calls. */
export function runUnit(unit: Unit, names: readonly string[], parts: UnitParts): UnitResult {
  const { seed } = unit
  if (unit.kind === 'captured') {
    const captured = names.map((name) => {
      const load = capturedLoad(
        (at) =>
          p90At(traceCell(unit.share, at), { seed, contestant: contestantNamed(name) }, parts),
        p90sKnown(unit.share, { seed, name }, parts.state),
      )
      return [name, load] as const
    })
    return { results: {}, captured: Object.fromEntries(captured) }
  }
  const results = names.map(
    (name) =>
      [name, resultOf(unit.cell, { seed, contestant: contestantNamed(name) }, parts)] as const,
  )
  return { results: Object.fromEntries(results), captured: {} }
}

interface Who {
  readonly seed: number
  readonly contestant: Contestant
}

function resultOf(cell: Cell, who: Who, parts: UnitParts): Result {
  const run = runOf(cell, who, parts)
  const figures = figuresOf(run)
  if (!cell.workload.startsWith('aggressor')) return { figures }
  const isAggressor = (tenant: string) => tenant === aggressorName
  const others = waitsOf(run, (tenant) => !isAggressor(tenant))
  const aggressor = waitsOf(run, isAggressor)
  return { figures, tenants: { aggressor, others, shares: tenantSharesOf(run) } }
}

function p90At(cell: Cell, who: Who, parts: UnitParts): number {
  return figuresOf(runOf(cell, who, parts)).ttftP90
}

/** By load: what the cells of the matrix have found with the same seed. */
function p90sKnown(
  share: number,
  { seed, name }: { readonly seed: number; readonly name: string },
  state: RunState,
): ReadonlyMap<number, number> {
  const known = new Map<number, number>()
  for (const load of traceLoads) {
    const text = state.read(unitId({ kind: 'cell', cell: traceCell(share, load), seed }))
    const done: UnitResult = text === undefined ? nothing : JSON.parse(text)
    const figure = done.results[name]?.figures.ttftP90
    if (figure !== undefined) known.set(load, figure)
  }
  return known
}

/** One run of a cell. */
export function runOf(cell: Cell, { seed, contestant }: Who, parts: UnitParts): PoolRun {
  const { kvTokens, scrapeMs } = cell
  const workload = workloadNamed(cell.workload, parts.traceFile)
  const speed = speedOf(cell, workload, parts.state)
  const trial = { workload, contestant, kvTokens, seed, speed, scrapeMs }
  return runOnce(trial, arrivalsOf(cell, workload, { seed, speed }))
}

let last: { readonly id: string; readonly arrivals: readonly Arrival[] } | undefined

/** Those of the last draw are kept: all contestants of a unit run the same. */
function arrivalsOf(cell: Cell, workload: Workload, draw: Draw): readonly Arrival[] {
  const id = `${cell.workload} ${draw.seed} ${draw.speed}`
  if (last?.id !== id) last = { id, arrivals: workload.arrivals(draw) }
  return last.arrivals
}

const speeds = new Map<string, number>()
/** Load is measured with it, whatever seed is run. */
const speedSeed = 1

function speedOf(cell: Cell, workload: Workload, state: RunState): number {
  if (cell.load === undefined) return 1
  const name = `saturation ${cell.workload} ${cell.kvTokens}`
  const known = speeds.get(name) ?? Number(state.read(name) ?? Number.NaN)
  if (Number.isFinite(known)) return cell.load * known
  const contestant = contestantNamed('pooled')
  const { kvTokens } = cell
  const speed = saturationSpeed({ workload, contestant, kvTokens, seed: speedSeed })
  speeds.set(name, speed)
  state.write(name, String(speed))
  return cell.load * speed
}
