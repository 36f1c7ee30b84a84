import { parseArgs } from 'node:util'
import { type ReplicaOptions, replicaDefaults } from './options.ts'
import { isStepTimeName, stepTimeNames } from './plain-step-time.ts'

const numbers = {
  port: 'port',
  seed: 'seed',
  'prefill-ms': 'prefillMs',
  'prefill-token-ms': 'prefillTokenMs',
  'token-ms': 'tokenMs',
  speed: 'speed',
  'sequences-max': 'runningMax',
  'step-tokens-max': 'stepTokensMax',
  'queued-max': 'queuedMax',
  blocks: 'blocks',
  'block-tokens': 'blockTokens',
  'context-tokens-max': 'contextTokensMax',
  'answer-tokens': 'answerTokens',
  'max-loras': 'lorasMax',
  'adapter-load-ms': 'adapterLoadMs',
} as const

/** An engine of none of these, or at no speed, does nothing. */
const positive: ReadonlySet<string> = new Set([
  'speed',
  'sequences-max',
  'step-tokens-max',
  'blocks',
  'block-tokens',
])

const flags = {
  'refuse-priority': { refusesPriority: true },
  'no-faults': { faultsByHeader: false },
  'no-prompt-tokens-details': { promptTokensDetails: false },
  'no-kv-metrics': { kvMetrics: false },
  'enable-server-load-tracking': { serverLoad: true },
  'enable-per-request-metrics': { perRequestMetrics: true },
  'allow-runtime-lora-updating': { runtimeLoras: true },
  'store-responses': { storesResponses: true },
  'dev-mode': { devMode: true },
} as const

/** What a command line asks of a process. */
export interface CommandLine {
  readonly options: Partial<ReplicaOptions>
  /** How long calls may still run after SIGTERM, in ms; 0 aborts them. */
  readonly drainMs: number
}

/** Reads `args`. Errors: an unknown option or name, or a value that is no number in its range. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const text = { type: 'string' as const }
  const named = Object.fromEntries(Object.keys(numbers).map((name) => [name, text]))
  const switches = Object.fromEntries(
    Object.keys(flags).map((name) => [name, { type: 'boolean' as const }]),
  )
  const own = { 'step-time': text, scheduling: text, lora: text, 'shutdown-timeout': text }
  const options = { ...named, ...switches, ...own, model: text }
  const { values } = parseArgs({ args: [...args], options })
  const value = (name: string) => Object.entries(values).find(([key]) => key === name)?.[1]
  const given: Record<string, number> = {}
  for (const [name, field] of Object.entries(numbers)) {
    const read = value(name)
    if (read !== undefined) given[field] = numberOf(name, read)
  }
  const told = Object.entries(flags).filter(([name]) => Object.hasOwn(values, name))
  return {
    options: {
      ...given,
      ...Object.assign({}, ...told.map(([, field]) => field)),
      ...stepTimeIn(values['step-time']),
      ...schedulingIn(values.scheduling),
      model: values.model ?? replicaDefaults.model,
      loras: values.lora === undefined ? [] : values.lora.split(',').filter((name) => name !== ''),
    },
    drainMs: numberOf('shutdown-timeout', values['shutdown-timeout'] ?? '0') * 1_000,
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  const isInRange = value > 0 || (value === 0 && !positive.has(name))
  if (text !== '' && Number.isFinite(value) && isInRange) return value
  const range = positive.has(name) ? 'above 0' : 'of at least 0'
  throw new Error(`Cannot read --${name}: "${text}" is not a number ${range}`)
}

function stepTimeIn(name: string | undefined): Partial<ReplicaOptions> {
  if (name === undefined) return {}
  if (isStepTimeName(name)) return { stepTime: name }
  throw new Error(`Cannot read --step-time: "${name}" is none of ${stepTimeNames.join(', ')}`)
}

function schedulingIn(name: string | undefined): Partial<ReplicaOptions> {
  if (name === undefined) return {}
  if (name === 'fcfs' || name === 'priority') return { scheduling: name }
  throw new Error(`Cannot read --scheduling: "${name}" is none of fcfs, priority`)
}
