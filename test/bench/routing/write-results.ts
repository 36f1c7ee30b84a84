import type { Unit, UnitResult } from './unit.ts'
export async function writeResults(_runs: readonly {unit: Unit; result: UnitResult}[], _how: { folder: string; seeds: readonly number[]; isQuick: boolean }): Promise<void> {}
