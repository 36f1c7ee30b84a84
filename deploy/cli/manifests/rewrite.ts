import type { Manifest } from '#deploy/inject/manifest.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { exits } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { printable } from '../terminal/table.ts'
import { readDocuments } from './documents.ts'

/**
 * Reads the manifest that the command names, changes each of its documents, and tells in lines what
 * became of each pod in it. Gives the manifest afterwards; none where one pod is refused.
 */
export async function rewrite<Result extends { readonly kind: string }>(
  { operands, terminal }: Pick<CommandCall, 'operands' | 'terminal'>,
  change: (manifest: unknown) => Manifest<Result>,
  linesOf: (result: Result) => readonly string[],
): Promise<Outcome> {
  const [file = '-'] = operands
  const text = await readInput(file, terminal)
  const where = file === '-' ? 'standard input' : `'${file}'`
  const changed = readDocuments(text, where).map(({ value, withValue }) => {
    const { manifest, outcomes } = change(value)
    return { text: withValue(manifest), outcomes }
  })
  const outcomes = changed.flatMap((document) => document.outcomes)
  for (const { what, result } of outcomes) {
    for (const line of linesOf(result)) terminal.tell(`${printable(`${what}: ${line}`)}\n`)
  }
  if (outcomes.length === 0) terminal.tell('There is no pod and no pod template in it.\n')
  if (outcomes.some(({ result }) => result.kind === 'refuse')) {
    terminal.tell('Nothing is printed: correct what was refused, or take it out.\n')
    return { exit: exits.found, text: '' }
  }
  return { exit: exits.ok, text: changed.map((document) => document.text).join('') }
}
