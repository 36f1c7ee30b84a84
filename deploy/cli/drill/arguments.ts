import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Drill, type DrilledProvider, drilledProviders, drills } from './drills.ts'

/** What was asked for. */
export interface DrillArguments {
  readonly name: string
  readonly drill: Drill
  readonly provider: DrilledProvider
  /** Absolute path of a configuration with the demo's providers and models; undefined for its own. */
  readonly config: string | undefined
  /** How long the fault lasts. */
  readonly seconds: number
  /** Calls a second. */
  readonly rate: number
  readonly isJson: boolean
}

const secondsMax = 600
const rateMax = 100

/** The list of drills, one line each. */
export function drillList(): string {
  const rows = Object.entries(drills).map(([name, { line }]) => `  ${name.padEnd(10)}${line}`)
  return [
    'npm run drill -- NAME [--provider openai|azure|anthropic] [--seconds 8] [--rate 5] [--config FILE] [--json]',
    'Starts a system of its own, runs a load, breaks one provider, and holds what happened against',
    'what the configuration promised. Ends with 1 where a promise was broken.',
    '--config has the providers and models of deploy/local/demo/demo.yaml, and promises of its own.',
    '',
    ...rows,
    '',
  ].join('\n')
}

/** Reads the command line; undefined where no drill is named. Throws with a message for the user. */
export function readDrillArguments(argv: readonly string[]): DrillArguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      provider: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      rate: { type: 'string', default: '5' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  const [name, more] = positionals
  if (name === undefined || values.help) return undefined
  if (more !== undefined) throw new Error(`Cannot run two drills at once: '${name}', '${more}'`)
  const drill = Object.hasOwn(drills, name) ? drills[name] : undefined
  if (drill === undefined) throw new Error(`Cannot run '${name}': no drill is called so`)
  const asked = values.provider ?? drill.provider
  const provider = drilledProviders.find((known) => known === asked)
  if (provider === undefined) throw new Error(`Cannot break '${asked}': no provider is called so`)
  return {
    name,
    drill,
    provider,
    config: values.config === undefined ? undefined : resolve(values.config),
    seconds: numberOf('seconds', values.seconds, secondsMax),
    rate: numberOf('rate', values.rate, rateMax),
    isJson: values.json,
  }
}

function numberOf(name: string, text: string, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 1 && value <= max)) {
    throw new Error(`Cannot read --${name}: '${text}' is not a number from 1 to ${max}`)
  }
  return value
}
