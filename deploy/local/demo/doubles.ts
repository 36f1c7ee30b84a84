import type { Vendor } from '#deploy/simulator/providers/provider-options.ts'
import type { Config, Provider } from '#shared/config/schema.ts'
import { allTargets } from '#shared/config/target-schema.ts'

/** Limits and speed of a double, in its own options. */
export type Manners = Readonly<Record<string, number>>

/** How the double of each vendor behaves. */
export type DoubleManners = Readonly<Record<Vendor, Manners>>

/** One made-up key of a double. */
export interface DemoKey {
  /** The credential's name in the configuration. */
  readonly credential: string
  /** The variable of the environment in which the ambassador finds it. */
  readonly variable: string
  /** What is sent: no secret, since a double alone knows it. */
  readonly key: string
}

/** One double of a commercial provider to run. */
export interface PlannedDouble {
  readonly name: string
  readonly provider: string
  readonly vendor: Vendor
  readonly port: number
  /** What `providers.NAME.baseUrl` has to be. */
  readonly baseUrl: string
  readonly models: readonly string[]
  readonly keys: readonly DemoKey[]
  readonly manners: Manners
}

/**
 * Small enough to be met by hand. Limits are per key and minute: an account of OpenAI with two keys
 * takes 60 calls, Azure ten in each second, Anthropic one.
 */
export const demoManners: DoubleManners = {
  openai: { rpm: 30, tpm: 20_000, 'prefill-ms': 150, 'token-ms': 10, 'answer-tokens': 24 },
  azure: { rpm: 600, tpm: 20_000, 'prefill-ms': 200, 'token-ms': 10, 'answer-tokens': 24 },
  anthropic: { rpm: 60, itpm: 20_000, otpm: 8_000, 'prefill-ms': 150, 'answer-tokens': 24 },
}

/** Which wire a provider of the file speaks; undefined where no double speaks it. */
function vendorOf({ kind }: Provider): Vendor | undefined {
  return kind === 'openai' || kind === 'azure' || kind === 'anthropic' ? kind : undefined
}

interface DoubleAsked {
  readonly config: Config
  readonly provider: string
  readonly port: number
  readonly manners: DoubleManners
}

/** The double that stands for a provider of the file; undefined where its kind has none. */
export function plannedDouble(asked: DoubleAsked): PlannedDouble | undefined {
  const { config, provider, port, manners } = asked
  const entry = config.providers[provider]
  const vendor = entry && vendorOf(entry)
  if (entry === undefined || vendor === undefined) return undefined
  const targets = Object.values(config.models).flatMap(allTargets)
  const models = targets.flatMap((target) => (target.provider === provider ? target.model : []))
  return {
    name: `${provider}-double`,
    provider,
    vendor,
    port,
    baseUrl: `http://127.0.0.1:${port}${vendor === 'openai' ? '/v1' : ''}`,
    models: [...new Set(models)].toSorted(),
    keys: entry.credentials.map(({ name }, at) => ({
      credential: name,
      variable: `DEMO_KEY_${provider.toUpperCase().replaceAll('-', '_')}_${at + 1}`,
      key: `demo-${provider}-${name}`,
    })),
    manners: manners[vendor],
  }
}

/** Its command line. */
export function doubleArguments({ vendor, port, models, keys, manners }: PlannedDouble): string[] {
  return [
    '--vendor',
    vendor,
    ...['port', 'seed'].flatMap((name) => [`--${name}`, String(port)]),
    ...models.flatMap((model) => ['--model', model]),
    ...keys.flatMap(({ key }) => ['--key', key]),
    ...Object.entries(manners).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ]
}

/** What the ambassador of its provider has in its environment. */
export function doubleEnvironment({ keys }: PlannedDouble): Record<string, string> {
  return Object.fromEntries(keys.map(({ variable, key }) => [variable, key]))
}
