import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configText, type Placed, type Wishes } from './config-text.ts'
import { type Half, startHalf } from './processes.ts'

/** Several sidecars in front of one ambassador for each provider. */
export interface System {
  readonly sidecars: readonly Half[]
  /** In the order of the providers. */
  readonly ambassadors: readonly Half[]
  end(): Promise<void>
}

export interface SystemOptions {
  readonly directory: string
  /** Where the bundles of both halves are. */
  readonly built: string
  /** By name, `baseUrl` of each. */
  readonly providers: readonly Omit<Placed, 'ambassadorPort'>[]
  readonly sidecars: number
  readonly wishes?: Wishes
  readonly nodeArgs?: readonly string[]
}

let systems = 0

/** Starts the ambassadors, then the sidecars that know their ports. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { providers } = options
  const at = ++systems
  const ambassadors: Half[] = []
  for (const { name } of providers) {
    const placed = providers.map((provider) => ({ ...provider, ambassadorPort: 4_100 }))
    ambassadors.push(await startOne(options, { half: 'ambassador', name, at, placed }))
  }
  const placed = providers.map((provider, of) => ({
    ...provider,
    ambassadorPort: ambassadors[of]?.port ?? 0,
  }))
  const sidecars: Half[] = []
  for (let of = 0; of < options.sidecars; of++) {
    sidecars.push(await startOne(options, { half: 'sidecar', name: `${of}`, at, placed }))
  }
  return {
    sidecars,
    ambassadors,
    async end() {
      await Promise.all([...sidecars, ...ambassadors].map((half) => half.end()))
    },
  }
}

interface One {
  readonly half: Half['name']
  /** Of the provider where it is an ambassador. */
  readonly name: string
  readonly at: number
  readonly placed: readonly Placed[]
}

function startOne(options: SystemOptions, { half, name, at, placed }: One): Promise<Half> {
  const { directory, built, wishes, nodeArgs } = options
  const stem = join(directory, `system-${at}-${half}-${name}`)
  // A directory for each: it watches its own, where a log would wake it with every write.
  mkdirSync(stem, { recursive: true })
  const config = join(stem, 'outrigger.yaml')
  writeFileSync(config, configText(placed, wishes ?? {}))
  return startHalf({
    half,
    built,
    config,
    logFile: `${stem}.log`,
    ...(half === 'ambassador' ? { provider: name } : {}),
    ...(nodeArgs === undefined ? {} : { nodeArgs }),
  })
}
