import { parseArgs } from 'node:util'
import { nearest } from '#shared/config/nearest.ts'
import { type Command, Options, type OptionTable } from './command.ts'
import { misuse } from './terminal/failure.ts'

/** Options that every command has. */
export const globalOptions: OptionTable = {
  output: { value: 'table|json|yaml', about: 'form of what is printed; table unless given' },
  namespace: { value: 'NAME', about: 'look at this namespace alone' },
  context: { value: 'NAME', about: 'context of the kubeconfig; the current one unless given' },
  kubeconfig: { value: 'FILE', about: 'instead of KUBECONFIG and ~/.kube/config' },
  'system-namespace': { value: 'NAME', about: "Outrigger's own; outrigger-system unless given" },
  help: { about: 'what the command does, with an example' },
}

/** What kubectl's users write without thinking. */
const shortOptions: Readonly<Record<string, string>> = {
  n: 'namespace',
  o: 'output',
  f: 'filename',
  h: 'help',
}

/** A command line that was understood; without `command` help was asked for, or nothing at all. */
export interface ParsedLine {
  readonly command: Command | undefined
  /** The words that name no command. */
  readonly words: readonly string[]
  readonly options: Options
}

/** Reads a command line. Throws `CommandFailure` with what was probably meant. */
export function parseLine(argv: readonly string[], commands: readonly Command[]): ParsedLine {
  const every: OptionTable = Object.assign(
    {},
    ...commands.map(({ options }) => options),
    globalOptions,
  )
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(every).map(([name, spec]) => [name, shape(name, spec)]),
    ),
  })
  const command = commandIn(positionals, commands)
  const allowed = command === undefined ? every : { ...command.options, ...globalOptions }
  const given = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, value = '', rawName } = token
    const spec = Object.hasOwn(allowed, name) ? allowed[name] : undefined
    if (spec === undefined) throw unknownOption(rawName, allowed, command)
    const lacksValue = value === '' || (value.startsWith('-') && value !== '-')
    if (spec.value !== undefined && lacksValue && token.inlineValue !== true) {
      throw misuse(
        `Option --${name} needs a value: ${spec.value}.`,
        `Write --${name} ${spec.value}.`,
      )
    }
    if (spec.value === undefined && token.value !== undefined) {
      throw misuse(`Option --${name} takes no value.`, `Write --${name} alone.`)
    }
    given.set(name, value)
  }
  const words = positionals.slice(command?.name.split(' ').length ?? 0)
  return { command, words, options: new Options(given) }
}

function shape(name: string, spec: OptionTable[string]) {
  const type = spec?.value === undefined ? ('boolean' as const) : ('string' as const)
  const short = Object.keys(shortOptions).find((letter) => shortOptions[letter] === name)
  return short === undefined ? { type } : { type, short }
}

/** The longest name that the line begins with. */
function commandIn(words: readonly string[], commands: readonly Command[]): Command | undefined {
  return [2, 1]
    .map((length) => words.slice(0, length).join(' '))
    .map((name) => commands.find((command) => command.name === name))
    .find((command) => command !== undefined)
}

/** Refuses words that begin no command. */
export function unknownCommand(words: readonly string[], commands: readonly Command[]) {
  const names = commands.map(({ name }) => name)
  const said = words.slice(0, 2).join(' ')
  const group = names.filter((name) => name.startsWith(`${words[0]} `))
  const isGroup = group.length > 0 && words.length === 1
  const meant = isGroup ? undefined : (nearest(said, names) ?? nearest(words[0] ?? '', names))
  if (meant !== undefined) {
    return misuse(`There is no command '${said}'.`, `Did you mean 'outrigger ${meant}'?`)
  }
  const known = (group.length > 0 ? group : names).join(', ')
  return misuse(`There is no command '${said}'.`, `There are: ${known}.`)
}

function unknownOption(raw: string, allowed: OptionTable, command: Command | undefined) {
  const of = command === undefined ? 'outrigger' : `outrigger ${command.name}`
  const meant = nearest(raw.replace(/^-+/, ''), Object.keys(allowed))
  const remedy =
    meant === undefined ? `See '${of} --help' for those there are.` : `Did you mean --${meant}?`
  return misuse(`Option ${raw} is not known to '${of}'.`, remedy)
}
