import type { Wishes } from './config-text.ts'
import type { Half } from './processes.ts'
import { startSystem } from './system.ts'

export interface Pair {
  readonly sidecar: Half
  readonly ambassador: Half
  end(): Promise<void>
}

export interface PairOptions {
  readonly directory: string
  /** Where the bundles of both halves are. */
  readonly built: string
  readonly providerPort: number
  /** Of the provider's paths; `/v1` unless given. */
  readonly basePath?: string
  readonly wishes?: Wishes
  readonly nodeArgs?: readonly string[]
}

/** Starts an ambassador, then the sidecar that knows its port. */
export async function startPair(options: PairOptions): Promise<Pair> {
  const { directory, built, providerPort, basePath = '/v1', wishes = {}, nodeArgs } = options
  const system = await startSystem({
    directory,
    built,
    providers: [{ name: 'bench', baseUrl: `http://127.0.0.1:${providerPort}${basePath}` }],
    sidecars: 1,
    wishes,
    ...(nodeArgs === undefined ? {} : { nodeArgs }),
  })
  const [sidecar] = system.sidecars
  const [ambassador] = system.ambassadors
  if (sidecar === undefined || ambassador === undefined) throw new Error('Cannot start a pair')
  return { sidecar, ambassador, end: () => system.end() }
}
