import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Discovery, DiscoveryStatus } from './discovery.ts'
import type { DiscoveredReplica, PortChoice } from './replicas-of.ts'

/** The Service behind a pool, as configured. */
export interface ServiceChoice {
  /** That of this process where undefined. */
  readonly namespace: string | undefined
  readonly name: string
  readonly port: PortChoice
}

/** `service` as configured: `name` or `namespace/name`. */
interface ServiceSettings {
  readonly service?: string | undefined
  readonly port?: PortChoice
}

/** Undefined where the pool names its addresses. */
export function serviceChoiceOf({ service, port }: ServiceSettings): ServiceChoice | undefined {
  if (service === undefined) return undefined
  const slash = service.indexOf('/')
  const namespace = slash < 0 ? undefined : service.slice(0, slash)
  return { namespace, name: service.slice(slash + 1), port }
}

export interface StartParts {
  readonly clock: Clock
  readonly log: Log
  readonly onReplicas: (replicas: readonly DiscoveredReplica[]) => void
}

/** Throws where there is no cluster to ask. */
export type StartDiscovery = (
  choice: ServiceChoice,
  parts: StartParts,
) => Pick<Discovery, 'isSynced' | 'status' | 'close'>

interface SwitchParts extends StartParts {
  /** Loads the chunk that knows Kubernetes: only where a pool names a Service. */
  readonly load: () => Promise<StartDiscovery>
}

/**
 * Follows the Service that the configuration names, another one, or none, one change after the
 * other. The replicas of the one before stay until the next one's first set is there.
 */
export class DiscoverySwitch {
  readonly #parts: SwitchParts
  #running: ReturnType<StartDiscovery> | undefined
  #wanted: string | undefined
  #problem: string | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: SwitchParts) {
    this.#parts = parts
  }

  /** Whether the replicas are known, or nobody asked for them. */
  get isReady(): boolean {
    return this.#wanted === undefined || this.#running?.isSynced === true
  }

  /** Undefined where no Service is followed. */
  status(): DiscoveryStatus | { readonly error: string } | undefined {
    if (this.#problem !== undefined) return { error: this.#problem }
    return this.#running?.status()
  }

  /** Never throws: the status and the log say what is wrong. */
  apply(choice: ServiceChoice | undefined): void {
    const wanted = choice === undefined ? undefined : JSON.stringify(choice)
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    this.#turn = this.#turn.then(() => this.#change(choice, wanted))
  }

  async close(): Promise<void> {
    this.apply(undefined)
    await this.#turn
  }

  async #change(choice: ServiceChoice | undefined, wanted: string | undefined): Promise<void> {
    const { load, clock, log, onReplicas } = this.#parts
    this.#running?.close()
    this.#running = undefined
    this.#problem = undefined
    // A later change is waiting already: its Service is the one to follow.
    if (choice === undefined || wanted !== this.#wanted) return
    try {
      const start = await load()
      this.#running = start(choice, { clock, log, onReplicas: this.#onlyFor(wanted, onReplicas) })
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : 'unknown'
      log.error({ service: choice.name, reason: this.#problem }, 'Cannot follow replicas')
    }
  }

  /** Between a change and its turn the Service before may still tell. */
  #onlyFor(wanted: string | undefined, onReplicas: StartParts['onReplicas']) {
    return (replicas: readonly DiscoveredReplica[]) => {
      if (this.#wanted === wanted) onReplicas(replicas)
    }
  }
}
