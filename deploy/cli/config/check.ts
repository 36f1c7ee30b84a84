import { project } from '#deploy/controller/project.ts'
import { type Problem, parseConfig } from '#shared/config/load.ts'
import { parseTuned } from '#shared/config/tuned.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { exits } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { counted, table } from '../terminal/table.ts'

/** `outrigger config check`: every problem of the platform's file, and what a tenant's is ignored in. */
export async function checkConfig({ operands, options, terminal }: CommandCall): Promise<Outcome> {
  const [file = '-'] = operands
  const where = file === '-' ? 'standard input' : file
  const text = await readInput(file, terminal)
  const tenantFile = options.text('tenant')
  const loaded = parseConfig(text, where)
  const problems = loaded.ok ? tooLarge(text) : loaded.problems
  const own = tenantFile === undefined ? undefined : await readInput(tenantFile, terminal)
  const ignored =
    own === undefined
      ? []
      : parseTuned({ text, where }, { text: own, where: tenantFile ?? '' }).ignored
  const exit = problems.length + ignored.length === 0 ? exits.ok : exits.found
  const valid =
    problems.length === 0 ? `${where} is valid.\n` : problemTable(where, problems, 'problem')
  const tuned =
    own === undefined || problems.length > 0 ? '' : tenantText(tenantFile ?? '', ignored)
  return { exit, text: valid + tuned, data: { isValid: problems.length === 0, problems, ignored } }
}

/** What of a valid file could not be given to sidecars. */
function tooLarge(text: string): readonly Problem[] {
  const projected = project(text, { transport: 'tls' })
  return projected.ok ? [] : projected.problems
}

function tenantText(file: string, ignored: readonly Problem[]): string {
  if (ignored.length === 0) return `${file} is taken whole.\n`
  return problemTable(file, ignored, 'ignored key')
}

/** Problems of a file, in its order. */
export function problemTable(where: string, problems: readonly Problem[], one: string): string {
  const rows = problems.map(({ path, message, suggestion, line }) => {
    const hint = suggestion === undefined ? '' : `; did you mean '${suggestion}'?`
    return [line ?? '', path, `${message}${hint}`]
  })
  return `${where}: ${counted(problems.length, one)}\n${table(['LINE', 'KEY', 'PROBLEM'], rows)}`
}
