import type { Environment } from '../environment.ts'
import { figureNames } from './figures.ts'
import type { UnitRun } from './runs.ts'
import type { Result } from './unit.ts'

/** Every run on a line of its own: cell, policy, seed, then the figures in the order of the head. */
export function rawRows(units: readonly UnitRun[], machine: Environment): string {
  const rows = units.flatMap(({ unit, result }) => {
    if (unit.kind === 'captured') {
      return Object.entries(result.captured).map(([name, load]) =>
        JSON.stringify([`captured KV ${unit.share} ×`, name, unit.seed, rounded(load)]),
      )
    }
    return Object.entries(result.results).map(([name, { figures, tenants }]) => {
      return JSON.stringify([
        unit.cell.id,
        name,
        unit.seed,
        ...figureNames.map((figure) => rounded(figures[figure])),
        ...(tenants === undefined ? [] : tenantFigures(tenants)),
      ])
    })
  })
  const tenants = ['aggressorMean', 'aggressorP90', 'othersMean', 'othersP90', 'jain', 'leastPart']
  const head = JSON.stringify(['cell', 'policy', 'seed', ...figureNames, ...tenants])
  return `{"machine":${JSON.stringify(machine)},\n"head":${head},\n"rows":[\n${rows.join(',\n')}\n]}\n`
}

function tenantFigures({ aggressor, others, shares }: NonNullable<Result['tenants']>): number[] {
  const waits = [aggressor, others].flatMap(({ ttftMean, ttftP90 }) => [ttftMean, ttftP90])
  return [...waits, shares.jain, shares.least].map(rounded)
}

/** Four digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
