import type { Config, Provider } from '#shared/config/schema.ts'
import {
  allSecrets,
  ambassadorSecrets,
  type SecretsOf,
  secretKey,
  sidecarSecrets,
} from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import { portSpan } from './arguments.ts'
import { type DoubleManners, type PlannedDouble, plannedDouble } from './demo/doubles.ts'

/** One ambassador to run; its probes and admin ports are the two above `port`. */
export interface PlannedAmbassador {
  readonly provider: string
  readonly port: number
}

/** One simulated vLLM server to run. */
export interface PlannedReplica {
  readonly name: string
  readonly model: string
  readonly port: number
}

/** What becomes of one provider of the file. */
export interface PlannedProvider {
  readonly name: string
  /** Where its ambassador is, or would be. */
  readonly address: string
  /** Why no ambassador runs; undefined where one does. */
  readonly disabled: string | undefined
  /** Addresses of its replicas, simulated ones filled in; undefined where the file's hold. */
  readonly replicas: readonly string[] | undefined
  /** What stands for it; undefined where it is asked itself. */
  readonly double: PlannedDouble | undefined
}

/** What one configuration needs in order to run here. */
export interface Plan {
  readonly providers: readonly PlannedProvider[]
  readonly ambassadors: readonly PlannedAmbassador[]
  readonly replicas: readonly PlannedReplica[]
  readonly doubles: readonly PlannedDouble[]
  readonly secrets: SecretVariables
}

/** Names of the environment's variables that hold secrets. */
export interface SecretVariables {
  readonly all: readonly string[]
  readonly sidecar: readonly string[]
  readonly ambassadors: Readonly<Record<string, readonly string[]>>
}

/** Doubles stand from the first port + 50, one for each ambassador. */
const doublesAt = 50
/** Ambassadors stand at the first port + 100, ten apart. */
const ambassadorsAt = 100
const ambassadorStep = 10
const replicasAt = 300
export const providersMax = (replicasAt - ambassadorsAt) / ambassadorStep
const replicasMax = portSpan - replicasAt

/** What the example file writes where `npm start` puts simulated servers: ports 8001 to 8009. */
const placeholder = /^http:\/\/127\.0\.0\.1:800[1-9]$/

/** Plans configurations one after another: what stays in the file keeps its port. */
export class Planner {
  readonly #port: number
  readonly #manners: DoubleManners | undefined
  readonly #ambassadors = new Map<string, number>()
  readonly #replicas = new Map<string, PlannedReplica>()

  /** With `manners`, doubles stand for the commercial providers. */
  constructor(port: number, manners?: DoubleManners) {
    this.#port = port
    this.#manners = manners
  }

  /** Throws with a message for the user where the ports do not suffice. */
  plan({ config, secrets }: Pick<Snapshot, 'config' | 'secrets'>): Plan {
    const replicas: PlannedReplica[] = []
    const ambassadors: PlannedAmbassador[] = []
    const providers = Object.entries(config.providers).map(([name, provider]) => {
      const port = this.#ambassadorPort(name)
      const simulated = this.#simulated(name, provider, modelOf(config, name))
      replicas.push(...simulated.values())
      const double = this.#double(config, name)
      const disabled =
        double === undefined ? missingCredential(provider, secrets.values) : undefined
      if (disabled === undefined) ambassadors.push({ provider: name, port })
      const addresses = provider.kind === 'vllm' ? provider.replicas.addresses : []
      return {
        name,
        address: `127.0.0.1:${port}`,
        disabled,
        double,
        replicas:
          simulated.size === 0
            ? undefined
            : addresses.map((address) => {
                const replica = simulated.get(address)
                return replica === undefined ? address : `http://127.0.0.1:${replica.port}`
              }),
      }
    })
    const doubles = providers.flatMap(({ double }) => double ?? [])
    return { providers, ambassadors, replicas, doubles, secrets: secretVariables(config) }
  }

  #double(config: Config, provider: string): PlannedDouble | undefined {
    const manners = this.#manners
    if (manners === undefined) return undefined
    const slot = (this.#ambassadorPort(provider) - this.#port - ambassadorsAt) / ambassadorStep
    return plannedDouble({ config, provider, port: this.#port + doublesAt + slot, manners })
  }

  #ambassadorPort(name: string): number {
    const known = this.#ambassadors.get(name)
    if (known !== undefined) return known
    const taken = new Set(this.#ambassadors.values())
    for (let slot = 0; slot < providersMax; slot++) {
      const port = this.#port + ambassadorsAt + slot * ambassadorStep
      if (taken.has(port)) continue
      this.#ambassadors.set(name, port)
      return port
    }
    throw new Error(`Cannot place provider '${name}': at most ${providersMax} run here`)
  }

  /** The simulated servers that stand for `provider`'s placeholders, by placeholder. */
  #simulated(name: string, provider: Provider, model: string): Map<string, PlannedReplica> {
    const found = new Map<string, PlannedReplica>()
    if (provider.kind !== 'vllm') return found
    for (const address of provider.replicas.addresses) {
      if (placeholder.test(address)) found.set(address, this.#replica(name, address, model))
    }
    return found
  }

  #replica(provider: string, address: string, model: string): PlannedReplica {
    // A server serves one model, so another model is another server.
    const key = `${provider} ${address} ${model}`
    const known = this.#replicas.get(key)
    if (known !== undefined) return known
    const count = this.#replicas.size
    if (count === replicasMax) {
      throw new Error(`Cannot place a simulated server: at most ${replicasMax} run here`)
    }
    const port = this.#port + replicasAt + count
    const replica = { name: `${provider}-${count + 1}`, model, port }
    this.#replicas.set(key, replica)
    return replica
  }
}

function secretVariables(config: Config): SecretVariables {
  const names = (secretsOf: SecretsOf) =>
    secretsOf(config).filter((ref): ref is string => typeof ref === 'string')
  const providers = Object.keys(config.providers)
  return {
    all: names(allSecrets),
    sidecar: names(sidecarSecrets),
    ambassadors: Object.fromEntries(
      providers.map((provider) => [provider, names(ambassadorSecrets(provider))]),
    ),
  }
}

/** The model that routes ask of this pool first; a pool that no route names serves its own name. */
function modelOf(config: Config, provider: string): string {
  const targets = Object.values(config.models).flatMap(allTargets)
  return targets.find((target) => target.provider === provider)?.model ?? provider
}

function missingCredential(
  { credentials }: Provider,
  values: ReadonlyMap<string, string>,
): string | undefined {
  const keys = credentials.flatMap(({ secret }) => (secret === undefined ? [] : secretKey(secret)))
  // One without a secret proves itself otherwise.
  if (keys.length < credentials.length || keys.length === 0) return undefined
  if (keys.some((key) => values.has(key))) return undefined
  return keys
    .map((key) => (key.startsWith('env:') ? `${key.slice(4)} is not set` : `${key} has no value`))
    .join(', ')
}
