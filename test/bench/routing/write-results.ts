import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environment } from '../environment.ts'
import { findings } from './findings.ts'
import { plots } from './plots.ts'
import { rawRows } from './raw.ts'
import { Runs, type UnitRun } from './runs.ts'
import { cellTables } from './tables.ts'

export interface Bench {
  readonly folder: string
  readonly seeds: readonly number[]
  readonly isQuick: boolean
}

/** Writes the page of findings, the tables, the plots and the raw figures. */
export async function writeResults(units: readonly UnitRun[], bench: Bench): Promise<void> {
  const { folder, seeds, isQuick } = bench
  const runs = new Runs(units)
  const machine = environment({ repeats: seeds.length, isQuick })
  const drawn = plots(runs)
  await mkdir(folder, { recursive: true })
  const texts = new Map([
    [
      'README.md',
      findings(runs, { machine, seeds, ...progressOf(units), plots: [...drawn.keys()] }),
    ],
    ['cells.md', cellTables(runs)],
    ['runs.json', rawRows(units, machine)],
    ...drawn,
  ])
  for (const [name, text] of texts) {
    const path = join(folder, name)
    await rm(path, { force: true })
    await writeFile(path, text)
  }
}

/** How many of the units have come to something. */
function progressOf(units: readonly UnitRun[]): { readonly done: number; readonly wanted: number } {
  const done = units.filter(({ result: { results, captured } }) => {
    return Object.keys(results).length + Object.keys(captured).length > 0
  })
  return { done: done.length, wanted: units.length }
}
