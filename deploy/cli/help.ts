import { globalOptions } from './arguments.ts'
import type { Command, OptionTable } from './command.ts'
import { aligned } from './terminal/table.ts'

const exitCodes = `Exit codes: 0 all is well; 1 something was found; 2 the command line or a file is wrong;
3 the cluster cannot be reached, or refuses you.
`

/** What `outrigger --help` prints. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, operands, summary }) => [`  ${name} ${operands}`, summary])
  return `outrigger COMMAND [OPTION…]

${aligned(rows)}
Options of every command:
${optionLines(globalOptions)}
${exitCodes}'outrigger COMMAND --help' says more, with an example.
`
}

/** What `outrigger COMMAND --help` prints. */
export function helpOf({ name, operands, about, options, example }: Command): string {
  const own = Object.keys(options).length === 0 ? '' : `\nOptions:\n${optionLines(options)}`
  return `outrigger ${name}${operands === '' ? '' : ` ${operands}`} [OPTION…]

${wrapped(about)}
${own}
Options of every command:
${optionLines(globalOptions)}
Example:
${indented(example)}
${exitCodes}`
}

function optionLines(options: OptionTable): string {
  return aligned(
    Object.entries(options).map(([name, { value, about }]) => [
      `  --${name}${value === undefined ? '' : ` ${value}`}`,
      about,
    ]),
  )
}

/** What a terminal of usual width shows without breaking words. */
const columns = 88

function wrapped(text: string): string {
  let line = ''
  const lines: string[] = []
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && line.length + word.length >= columns) {
      lines.push(line)
      line = word
    } else line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}

function indented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')
}
