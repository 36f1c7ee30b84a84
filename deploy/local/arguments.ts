import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What the local system was asked for. */
export interface LocalArguments {
  /** Absolute path of the user's configuration. */
  readonly config: string
  /** The first port; all others follow from it. */
  readonly port: number
  /** Whether every line of every child is shown. */
  readonly isVerbose: boolean
  /** Whether doubles stand for commercial providers. */
  readonly hasDoubles: boolean
}

/** Simulated servers listen highest, below this distance from the first port. */
export const portSpan = 400
const portMax = 65_535 - portSpan

/** What `npm start -- --help` prints. */
export const localHelp = `npm start -- [OPTION…]
Runs one sidecar and an ambassador for each provider of the configuration.
  --config FILE      configuration to run; a change of it is followed (deploy/local/outrigger.yaml)
  --port N           the first port, 1 to ${portMax}; all others follow from it (4000)
  --demo-providers   doubles of commercial providers, with account limits to be met by hand
  --verbose          shows every line of every process
  --help             prints this
`

/** Whether the command line asks for nothing but {@link localHelp}. */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h')
}

/**
 * Reads the command line; a relative path starts at `directory`. Throws with a message for the
 * user on what it does not know.
 */
export function readLocalArguments(argv: readonly string[], directory: string): LocalArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      port: { type: 'string', default: '4000' },
      verbose: { type: 'boolean', default: false },
      'demo-providers': { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!/^\d{1,5}$/.test(values.port) || port < 1 || port > portMax) {
    throw new Error(`Cannot read --port: '${values.port}' is not a port from 1 to ${portMax}`)
  }
  const hasDoubles = values['demo-providers']
  const config =
    values.config === undefined
      ? resolve(import.meta.dirname, hasDoubles ? 'demo/demo.yaml' : 'outrigger.yaml')
      : resolve(directory, values.config)
  return { config, port, isVerbose: values.verbose, hasDoubles }
}
