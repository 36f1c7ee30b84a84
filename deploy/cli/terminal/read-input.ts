import { readFileSync, statSync } from 'node:fs'
import { misuse } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** A whole cluster's objects in one file; more is a mistake. */
const bytesMax = 64 * 2 ** 20

/** The text of a file, or of standard input for `-`. */
export async function readInput(file: string, terminal: Pick<Terminal, 'input'>): Promise<string> {
  if (file === '-') return terminal.input()
  try {
    if (statSync(file).size <= bytesMax) return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    const remedy = code === 'ENOENT' ? 'See that the path is right.' : 'See who may read it.'
    throw misuse(`Cannot read '${file}': ${code}.`, remedy)
  }
  throw misuse(`Cannot read '${file}': it is longer than 64 MiB.`, 'Split it.')
}
