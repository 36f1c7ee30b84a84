import { stringify } from 'yaml'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { type ParsedLine, parseLine, unknownCommand } from './arguments.ts'
import { type Cluster } from './cluster/cluster.ts'
import { openCluster } from './cluster/open-cluster.ts'
import { remedyOf } from './cluster/remedy.ts'
import type { Command, Options, Outcome } from './command.ts'
import { helpOf, overview } from './help.ts'
import { CommandFailure, type Exit, exits, misuse } from './terminal/failure.ts'
import { printable } from './terminal/table.ts'
import type { Terminal } from './terminal/terminal.ts'

/** Runs one command line; gives what the process ends with. Rejects only on programmer errors. */
export async function run(
  argv: readonly string[],
  commands: readonly Command[],
  terminal: Terminal,
): Promise<Exit> {
  try {
    return await runLine(parseLine(argv, commands), commands, terminal)
  } catch (error) {
    const failure = failureOf(error)
    if (failure === undefined) throw error
    terminal.tell(`outrigger: ${printable(failure.message)}\n  ${printable(failure.remedy)}\n`)
    return failure.exit
  }
}

async function runLine(
  { command, words, options }: ParsedLine,
  commands: readonly Command[],
  terminal: Terminal,
): Promise<Exit> {
  if (command === undefined) {
    const isAsked = options.has('help') || words[0] === 'help'
    if (words.length > 0 && !isAsked) throw unknownCommand(words, commands)
    const text = overview(commands)
    if (isAsked) terminal.write(text)
    else terminal.tell(text)
    return isAsked ? exits.ok : exits.usage
  }
  if (options.has('help')) {
    terminal.write(helpOf(command))
    return exits.ok
  }
  const { name, operands } = command
  const wordsMax = operands === '' ? 0 : 1
  const wordsMin = operands.startsWith('[') ? 0 : wordsMax
  if (words.length < wordsMin || words.length > wordsMax) {
    const many = words.length > wordsMax ? 'too many' : 'too few'
    const usage = `outrigger ${name} ${operands}`.trim()
    throw misuse(`'outrigger ${name}' was given ${many} words.`, `Write '${usage}'.`)
  }
  return runCommand(command, words, { options, terminal })
}

interface Run {
  readonly options: Options
  readonly terminal: Terminal
}

async function runCommand(
  command: Command,
  operands: readonly string[],
  { options, terminal }: Run,
): Promise<Exit> {
  const form = formOf(options.text('output'))
  const opened: Cluster[] = []
  const cluster = async () => {
    const cluster = await openCluster({
      kubeconfig: options.text('kubeconfig'),
      context: options.text('context'),
      systemNamespace: options.text('system-namespace'),
      environment: terminal.environment,
    })
    opened.push(cluster)
    return cluster
  }
  try {
    const execute = await command.load()
    const namespace = options.text('namespace')
    const outcome = await execute({ options, operands, terminal, cluster, namespace })
    terminal.write(rendered(outcome, form))
    return outcome.exit
  } finally {
    for (const each of opened) each.close()
  }
}

type Form = 'table' | 'json' | 'yaml'

function formOf(given = 'table'): Form {
  const form = (['table', 'json', 'yaml'] as const).find((each) => each === given)
  if (form !== undefined) return form
  throw misuse(`Option --output does not know '${given}'.`, 'Write table, json or yaml.')
}

function rendered({ text, data }: Outcome, form: Form): string {
  if (form === 'table' || data === undefined) return text
  return form === 'json' ? `${JSON.stringify(data, undefined, 2)}\n` : stringify(data)
}

/** What a user can do something about; undefined where the program is wrong. */
function failureOf(error: unknown): CommandFailure | undefined {
  if (error instanceof CommandFailure) return error
  if (!(error instanceof KubernetesError)) return undefined
  return new CommandFailure(`${error.message}.`, {
    exit: exits.unreachable,
    remedy: remedyOf(error),
  })
}
