import { parseArgs } from 'node:util'
import { CommandFailure, misuse } from '#deploy/cli/terminal/failure.ts'
import { counted, duration, table } from '#deploy/cli/terminal/table.ts'
import { nearest } from '#shared/config/nearest.ts'
import { dispatchPolicies } from '#shared/config/pool-schema.ts'
import { stepTimes } from '../replica/step-time.ts'
import { DecisionFile } from './decision-file.ts'
import { type ReplaySettings, readSettings, settingsDefault } from './replay-settings.ts'
import { type ReplayPolicy, type ReplayPool, simulate } from './simulate.ts'
import { type Survey, survey } from './survey.ts'
import type { Tally } from './tally.ts'

const usage = `npm run replay -- FILE [OPTION…]
Plays the calls of an ambassador's log (dispatch.decisions: true) to simulated replicas, under one
policy after another, and compares what they would have done with what was measured.
  --policy NAME     may be given more than once; all unless given: ${dispatchPolicies.slice(0, 4).join(', ')},
                    ${dispatchPolicies.slice(4, 7).join(', ')},
                    ${dispatchPolicies.slice(7).join(', ')}
  --replicas N      as many as there were unless given
  --kv TOKENS       KV cache of a replica, in tokens; what the log says unless given
  --config FILE     the platform's file: its classes, tenants' weights, queue.batchPercent and
                    dispatch.priority order the calls; unless given, interactive goes before batch
  --provider NAME   the pool that is meant, where that file has several
  --step-time NAME  how long a replica's steps take: ${Object.keys(stepTimes).join(', ')}
  --help            prints this
`

/** Where a replay writes: what was asked for, and how far it is. */
export interface ReplayOutput {
  readonly write: (text: string) => void
  readonly tell: (text: string) => void
}

/** Runs one replay. Throws `CommandFailure` for whoever asked. */
export function replay(argv: readonly string[], { write, tell }: ReplayOutput): void {
  const asked = readArguments(argv)
  if (asked === undefined) {
    write(usage)
    return
  }
  const file = new DecisionFile(asked.path)
  try {
    const found = survey(file)
    const pool = poolOf(asked, found)
    write(`${heading(found, pool, asked.stepTime)}${unranked(found, pool)}\n`)
    const rows = asked.policies.map((policy) => {
      tell(`${policy} …\n`)
      return rowOf(policy, simulate({ file, survey: found, pool }, policy))
    })
    write(table(headings, [rowOf('observed', found.observed), ...rows]))
    write(footing)
  } finally {
    file.close()
  }
}

interface Asked {
  readonly path: string
  readonly policies: readonly ReplayPolicy[]
  readonly replicas: number | undefined
  readonly kvTokens: number | undefined
  readonly stepTime: keyof typeof stepTimes
  readonly settings: ReplaySettings
}

/** Undefined where help was asked for. */
function readArguments(argv: readonly string[]): Asked | undefined {
  const { values, positionals } = parsed(argv)
  if (values.help) return undefined
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) {
    throw misuse('Cannot tell which file is meant.', 'Write: npm run replay -- FILE.')
  }
  const policies = values.policy?.map((name) => among(name, dispatchPolicies, '--policy'))
  return {
    path,
    policies: policies ?? dispatchPolicies,
    replicas: count(values.replicas, '--replicas'),
    kvTokens: count(values.kv, '--kv'),
    stepTime: among(values['step-time'], stepTimeNames, '--step-time'),
    settings:
      values.config === undefined ? settingsDefault : readSettings(values.config, values.provider),
  }
}

const stepTimeNames = Object.keys(stepTimes).filter((name) => isStepTime(name))

function isStepTime(name: string): name is keyof typeof stepTimes {
  return Object.hasOwn(stepTimes, name)
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        policy: { type: 'string', multiple: true },
        replicas: { type: 'string' },
        kv: { type: 'string' },
        config: { type: 'string' },
        provider: { type: 'string' },
        'step-time': { type: 'string', default: 'dynamo' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw misuse(`${error instanceof Error ? error.message : 'Cannot read it'}.`, 'See --help.')
  }
}

function among<Name extends string>(given: string, names: readonly Name[], option: string): Name {
  const found = names.find((name) => name === given)
  if (found !== undefined) return found
  const meant = nearest(given, names)
  const remedy =
    meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean '${meant}'?`
  throw misuse(`Option ${option} does not know '${given}'.`, remedy)
}

function count(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw misuse(`Option ${option} needs a whole number above 0.`, `Write ${option} 8.`)
}

function poolOf(asked: Asked, found: Survey): ReplayPool {
  const kvTokens = asked.kvTokens ?? found.kvTokens
  if (kvTokens === undefined) {
    const why = 'Cannot tell how large the KV cache of a replica is: the log does not say.'
    throw misuse(why, 'Write --kv TOKENS.')
  }
  const replicas = asked.replicas ?? found.replicas
  return { replicas, kvTokens, stepTime: stepTimes[asked.stepTime], settings: asked.settings }
}

function heading(found: Survey, { replicas, kvTokens }: ReplayPool, stepTime: string): string {
  const { places, leftOut, spanMs } = found
  const without = leftOut === 0 ? '' : `; ${counted(leftOut, 'call')} without an answer left out`
  return (
    `${counted(places.count, 'call')} in ${duration(spanMs)}${without}.\n` +
    `${counted(replicas, 'simulated replica')} of ${kvTokens.toLocaleString('en-US')} KV tokens, ` +
    `steps as of '${stepTime}'.\n`
  )
}

/** Classes whose rank nobody has told. */
function unranked({ classes }: Survey, { settings }: ReplayPool): string {
  const unknown = [...classes].filter((name) => !settings.classes.includes(name)).toSorted()
  if (unknown.length === 0) return ''
  return `Taken for the last class (see --config): ${unknown.join(', ')}.\n`
}

const headings = [
  'POLICY',
  'TTFT MEAN',
  'P50',
  'P90',
  'P99',
  'LARGEST 1 %: P50',
  'MAX',
  'HIT RATE',
  'TOKENS/S',
]

const footing = `
Times in ms. Compare policies with each other: how near the simulated replicas are to yours, the first
row and the policy in force then tell. Generated tokens are cached by nobody here.
`

function rowOf(name: string, { figures }: Tally): string[] {
  const { mean, p50, p90, p99, largeP50, largeMax, hitRate, outputTokensPerSecond } = figures
  return [
    name,
    ...[mean, p50, p90, p99, largeP50, largeMax].map((ms) => whole(ms)),
    Number.isNaN(hitRate) ? '-' : `${(hitRate * 100).toFixed(1)} %`,
    whole(outputTokensPerSecond),
  ]
}

function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-'
}

/** What a failure is told as; other errors are ours. */
export function failureText(error: unknown): string | undefined {
  return error instanceof CommandFailure
    ? `replay: ${error.message}\n  ${error.remedy}\n`
    : undefined
}
