import type { Cell } from './cells.ts'
import { contestants } from './contestants.ts'
import type { FigureName } from './figures.ts'
import { type Estimate, meanEstimate, ratioEstimate } from './intervals.ts'
import type { Result, Unit, UnitResult } from './unit.ts'

/** A unit and what came of it. */
export interface UnitRun {
  readonly unit: Unit
  readonly result: UnitResult
}

export const baselines = contestants
  .filter(({ kind }) => kind === 'baseline')
  .map(({ name }) => name)

/** All that was measured, to be asked by cell, contestant and figure; pairs are those of one seed. */
export class Runs {
  readonly cells: readonly Cell[]
  readonly shares: readonly number[]
  readonly #results = new Map<string, Map<number, UnitResult>>()

  constructor(runs: readonly UnitRun[]) {
    const cells = new Map<string, Cell>()
    const shares = new Set<number>()
    for (const { unit, result } of runs) {
      const key = unit.kind === 'cell' ? unit.cell.id : capturedKey(unit.share)
      const bySeed = this.#results.get(key) ?? new Map<number, UnitResult>()
      this.#results.set(key, bySeed.set(unit.seed, result))
      if (unit.kind === 'cell') cells.set(unit.cell.id, unit.cell)
      else shares.add(unit.share)
    }
    this.cells = [...cells.values()]
    this.shares = [...shares]
  }

  cell(id: string): Cell | undefined {
    return this.cells.find((cell) => cell.id === id)
  }

  seeds({ id }: Cell): number[] {
    return [...(this.#results.get(id)?.keys() ?? [])]
  }

  results({ id }: Cell, name: string): Result[] {
    const bySeed = this.#results.get(id)?.values() ?? []
    return [...bySeed].flatMap(({ results }) => results[name] ?? [])
  }

  /** One for each seed. */
  values(cell: Cell, name: string, figure: FigureName): number[] {
    return this.results(cell, name).map(({ figures }) => figures[figure])
  }

  mean(cell: Cell, name: string, figure: FigureName): Estimate {
    return meanEstimate(this.values(cell, name, figure))
  }

  /** How many times as large the figure of one contestant is as that of another. */
  ratio(cell: Cell, figure: FigureName, [above, below]: readonly [string, string]): Estimate {
    return ratioEstimate(this.values(cell, above, figure), this.values(cell, below, figure))
  }

  /** Loads that hold the objective, one for each seed. */
  captured(share: number, name: string): number[] {
    const bySeed = this.#results.get(capturedKey(share))?.values() ?? []
    return [...bySeed].flatMap(({ captured }) => captured[name] ?? [])
  }
}

function capturedKey(share: number): string {
  return `captured ${share}`
}
