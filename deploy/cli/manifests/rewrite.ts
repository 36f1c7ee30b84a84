import type { Manifest, Outcome as ManifestOutcome } from '#deploy/inject/manifest.ts'
import { type CommandCall } from '../command.ts'
import { readInput } from '../terminal/read-input.ts'
import { readDocuments } from './documents.ts'

/** A manifest's text afterwards, and what became of each pod in it. */
export interface Rewritten<Result> {
  readonly text: string
  readonly outcomes: readonly ManifestOutcome<Result>[]
}

/** Reads the manifest that the command names and changes each of its documents. */
export async function rewrite<Result>(
  { operands, terminal }: Pick<CommandCall, 'operands' | 'terminal'>,
  change: (manifest: unknown) => Manifest<Result>,
): Promise<Rewritten<Result>> {
  const [file = '-'] = operands
  const text = await readInput(file, terminal)
  const where = file === '-' ? 'standard input' : `'${file}'`
  const changed = readDocuments(text, where).map(({ value, withValue }) => {
    const { manifest, outcomes } = change(value)
    return { text: withValue(manifest), outcomes }
  })
  return {
    text: changed.map((document) => document.text).join(''),
    outcomes: changed.flatMap(({ outcomes }) => outcomes),
  }
}
