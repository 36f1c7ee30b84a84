import { resolve } from 'node:path'
import { processes } from '#deploy/image/processes.ts'
import { Child, type ChildParts, type ChildSpec } from './child.ts'
import { doubleArguments, doubleEnvironment, type PlannedDouble } from './demo/doubles.ts'
import type { Plan, PlannedAmbassador, PlannedReplica } from './plan.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** Where things are that every child is told. */
export interface ChildPlaces {
  /** The first port. */
  readonly port: number
  /** The effective configuration. */
  readonly config: string
}

/** All processes of the local system. */
export class Children {
  readonly #places: ChildPlaces
  readonly #parts: ChildParts
  #sidecar: Child | undefined
  readonly #ambassadors = new Map<string, Child>()
  readonly #replicas = new Map<string, Child>()
  readonly #doubles = new Map<string, Child>()
  /** Ambassadors that drain, by provider. */
  readonly #leaving = new Map<string, { readonly child: Child; readonly ended: Promise<void> }>()

  constructor(places: ChildPlaces, parts: ChildParts) {
    this.#places = places
    this.#parts = parts
  }

  /** Starts all at once and resolves when all are ready; rejects with the first that cannot. */
  async start(plan: Plan): Promise<void> {
    this.#sidecar = new Child(sidecarSpec(plan, this.#places), this.#parts)
    const started = [
      this.#sidecar.start(),
      this.#startReplicas(plan),
      this.#startDoubles(plan),
      this.#startAmbassadors(plan),
    ]
    await Promise.all(started)
  }

  /** Starts the simulated servers that `plan` adds: before the configuration names them. */
  async grow(plan: Plan): Promise<void> {
    await this.#startReplicas(plan)
    await this.#startDoubles(plan)
  }

  /**
   * Starts and ends ambassadors as `plan` has it. Simulated servers stay to the end: calls under
   * way on them have to finish, and they are cheap.
   */
  async follow(plan: Plan): Promise<void> {
    const wanted = new Set(plan.ambassadors.map(({ provider }) => provider))
    for (const [provider, child] of this.#ambassadors) {
      if (wanted.has(provider)) continue
      this.#ambassadors.delete(provider)
      this.#parts.report('info', `${provider} drains: nothing needs it any more`)
      const ended = child.stop().then(() => void this.#leaving.delete(provider))
      this.#leaving.set(provider, { child, ended })
    }
    const added = plan.ambassadors.filter(({ provider }) => !this.#ambassadors.has(provider))
    // One that comes back needs the port that it still listens on.
    await Promise.all(
      added.map(({ provider }) => this.#leaving.get(provider)?.ended ?? Promise.resolve()),
    )
    await this.#startAmbassadors(plan)
    for (const { provider, port } of added) {
      this.#parts.report('info', `${provider} is ready at 127.0.0.1:${port}`)
    }
  }

  /** The process id of the child called `name`; undefined while it does not run. */
  pid(name: string): number | undefined {
    return this.#all().find((child) => child.spec.name === name)?.pid
  }

  /** Ends all in the order of a call: nobody loses what stands behind it before its own end. */
  async stop(): Promise<void> {
    await this.#sidecar?.stop()
    const leaving = [...this.#leaving.values()].map(({ ended }) => ended)
    const running = [...this.#ambassadors.values()].map((child) => child.stop())
    await Promise.all([...leaving, ...running])
    const origins = [...this.#replicas.values(), ...this.#doubles.values()]
    await Promise.all(origins.map((child) => child.stop()))
  }

  /** Ends all at once. Synchronous. */
  kill(): void {
    for (const child of this.#all()) child.kill()
  }

  #all(): Child[] {
    const leaving = [...this.#leaving.values()].map(({ child }) => child)
    const origins = [...this.#replicas.values(), ...this.#doubles.values()]
    const running = [...this.#ambassadors.values(), ...origins]
    return [...(this.#sidecar === undefined ? [] : [this.#sidecar]), ...running, ...leaving]
  }

  async #startReplicas(plan: Plan): Promise<void> {
    const specs = plan.replicas.map((one) => replicaSpec(one, plan))
    await startMissing(this.#replicas, specs, this.#parts)
  }

  /** A double knows its models and keys from its start: where they change, another takes its place. */
  async #startDoubles(plan: Plan): Promise<void> {
    const specs = plan.doubles.map((one) => doubleSpec(one, plan))
    const outdated = specs.flatMap(({ name, args }) => {
      const child = this.#doubles.get(name)
      return child === undefined || child.spec.args.join(' ') === args.join(' ') ? [] : [child]
    })
    for (const child of outdated) this.#doubles.delete(child.spec.name)
    await Promise.all(outdated.map((child) => child.stop()))
    await startMissing(this.#doubles, specs, this.#parts)
  }

  async #startAmbassadors(plan: Plan): Promise<void> {
    const specs = plan.ambassadors.map((one) => ambassadorSpec(one, plan, this.#places))
    await startMissing(this.#ambassadors, specs, this.#parts)
  }
}

async function startMissing(
  running: Map<string, Child>,
  specs: readonly ChildSpec[],
  parts: ChildParts,
): Promise<void> {
  const missing = specs.filter(({ name }) => !running.has(name))
  await Promise.all(
    missing.map(async (spec) => {
      const child = new Child(spec, parts)
      running.set(spec.name, child)
      try {
        await child.start()
      } catch (error) {
        // The next change of the file tries again.
        running.delete(spec.name)
        throw error
      }
    }),
  )
}

/** Only this machine: without a cluster there is nobody to keep others out. */
function listening(port: number): string[] {
  const ports = ['--port', port, '--probes-port', port + 1, '--admin-port', port + 2]
  return ['--host', '127.0.0.1', '--probes-host', '127.0.0.1', ...ports.map(String)]
}

/** The secrets of this plan but those that the child itself needs. */
function withheld({ secrets }: Plan, own: readonly string[]): string[] {
  return secrets.all.filter((name) => !own.includes(name))
}

function sidecarSpec(plan: Plan, { port, config }: ChildPlaces): ChildSpec {
  const entry = resolve(root, 'sidecar', 'main.ts')
  const args = ['--config', config, ...listening(port)]
  const kept = withheld(plan, plan.secrets.sidecar)
  return { name: 'sidecar', withheld: kept, nodeFlags: processes.sidecar.nodeFlags, entry, args }
}

function ambassadorSpec(
  { provider, port }: PlannedAmbassador,
  plan: Plan,
  places: ChildPlaces,
): ChildSpec {
  const args = ['--config', places.config, '--provider', provider, ...listening(port)]
  const kept = withheld(plan, plan.secrets.ambassadors[provider] ?? [])
  const entry = resolve(root, 'ambassador', 'main.ts')
  const double = plan.doubles.find((one) => one.provider === provider)
  const added = double === undefined ? {} : doubleEnvironment(double)
  const { nodeFlags } = processes.ambassador
  return { name: provider, withheld: kept, added, nodeFlags, entry, args }
}

function doubleSpec(double: PlannedDouble, plan: Plan): ChildSpec {
  const entry = resolve(root, 'deploy', 'simulator', 'provider-main.ts')
  const args = doubleArguments(double)
  return { name: double.name, withheld: withheld(plan, []), entry, args }
}

/**
 * A cache of 32,752 tokens, which a few long conversations fill, and 70 tokens a second for one
 * reader: fast enough to answer at once, slow enough to be seen.
 */
const replicaManners =
  '--blocks 2048 --block-tokens 16 --context-tokens-max 16384 --step-time dynamo --speed 0.4'.split(
    ' ',
  )

function replicaSpec({ name, model, port }: PlannedReplica, plan: Plan): ChildSpec {
  const entry = resolve(root, 'deploy', 'simulator', 'main.ts')
  // Servers of one pool differ in what they say, as real ones do.
  const own = ['--port', String(port), '--model', model, '--seed', String(port)]
  const args = [...own, ...replicaManners]
  return { name, withheld: withheld(plan, []), entry, args }
}
