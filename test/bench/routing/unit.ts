import type { Cell } from './cells.ts'
import type { Figures, Waits } from './figures.ts'
import type { TenantShares } from './tenant-shares.ts'

/** What one worker does in one go, with one seed. */
export type Unit =
  | { readonly kind: 'cell'; readonly cell: Cell; readonly seed: number }
  /** Searches the load that holds the objective, with so many working sets of KV on the trace. */
  | { readonly kind: 'captured'; readonly share: number; readonly seed: number }

/** What one contestant did in a cell. */
export interface Result {
  readonly figures: Figures
  /** Where tenants differ. */
  readonly tenants?: {
    readonly aggressor: Waits
    readonly others: Waits
    readonly shares: TenantShares
  }
}

/** By contestant: results of a cell, or captured loads. */
export interface UnitResult {
  readonly results: Readonly<Record<string, Result>>
  readonly captured: Readonly<Record<string, number>>
}

export const nothing: UnitResult = { results: {}, captured: {} }

/** Unique; names the unit's file. */
export function unitId(unit: Unit): string {
  const what = unit.kind === 'cell' ? unit.cell.id : `captured KV ${unit.share} ×`
  return `${what} seed ${unit.seed}`
}
