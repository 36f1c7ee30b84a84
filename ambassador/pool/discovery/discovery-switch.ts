import { resolve } from 'node:path'
import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Discovery, DiscoveryStatus } from './discovery.ts'
import type { DnsChoice } from './dns-source.ts'
import type { DiscoveredReplica, PortChoice } from './replicas-of.ts'

/** The Service behind a pool, as configured. */
export interface ServiceChoice {
  /** That of this process where undefined. */
  readonly namespace: string | undefined
  readonly name: string
  readonly port: PortChoice
}

/** Who says which replicas there are; `name` is for people. */
export type SourceChoice =
  | ({ readonly kind: 'service' } & ServiceChoice)
  /** `name` is its path. */
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'dns'; readonly name: string; readonly dns: DnsChoice }

/** `replicas` as configured: one of these, or addresses. */
interface SourceSettings {
  /** `name` or `namespace/name`. */
  readonly service?: string | undefined
  readonly port?: PortChoice
  readonly file?: string | undefined
  readonly dns?: DnsSettings | undefined
}

interface DnsSettings {
  readonly name: string
  /** Absent, the records say it (SRV). */
  readonly port?: number | undefined
  readonly scheme: 'http' | 'https'
  readonly interval: number
}

/** Undefined where the pool names its addresses. A file’s path starts at `directory`. */
export function sourceOf(settings: SourceSettings, directory: string): SourceChoice | undefined {
  const { service, port, file, dns } = settings
  if (service !== undefined) return { kind: 'service', ...serviceOf(service, port) }
  if (file !== undefined) return { kind: 'file', name: resolve(directory, file) }
  if (dns === undefined) return undefined
  const { name, scheme, interval: everyMs } = dns
  const common = { name, scheme, everyMs }
  const choice: DnsChoice =
    dns.port === undefined
      ? { ...common, records: 'service' }
      : { ...common, records: 'address', port: dns.port }
  return { kind: 'dns', name, dns: choice }
}

function serviceOf(service: string, port: PortChoice): ServiceChoice {
  const slash = service.indexOf('/')
  const namespace = slash < 0 ? undefined : service.slice(0, slash)
  return { namespace, name: service.slice(slash + 1), port }
}

export interface StartParts {
  readonly clock: Clock
  readonly log: Log
  readonly onReplicas: (replicas: readonly DiscoveredReplica[]) => void
}

/** Follows whoever says which replicas there are. */
type Source = Pick<Discovery, 'isSynced' | 'status' | 'close'>

/** Throws where there is no cluster to ask. */
export type StartDiscovery = (choice: ServiceChoice, parts: StartParts) => Source

/** Loads what can follow a choice: nothing of it is loaded where a pool names its addresses. */
export type DiscoverySwitchLoad = (choice: SourceChoice) => Promise<(parts: StartParts) => Source>

interface SwitchParts extends StartParts {
  readonly load: DiscoverySwitchLoad
}

/**
 * Follows the source that the configuration names, another one, or none, one change after the
 * other. The replicas of the one before stay until the next one's first set is there.
 */
export class DiscoverySwitch {
  readonly #parts: SwitchParts
  #running: Source | undefined
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

  /** Undefined where no source is followed. */
  status(): DiscoveryStatus | { readonly error: string } | undefined {
    if (this.#problem !== undefined) return { error: this.#problem }
    return this.#running?.status()
  }

  /** Never throws: the status and the log say what is wrong. */
  apply(choice: SourceChoice | undefined): void {
    const wanted = choice === undefined ? undefined : JSON.stringify(choice)
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    this.#turn = this.#turn.then(() => this.#change(choice, wanted))
  }

  async close(): Promise<void> {
    this.apply(undefined)
    await this.#turn
  }

  async #change(choice: SourceChoice | undefined, wanted: string | undefined): Promise<void> {
    const { load, clock, log, onReplicas } = this.#parts
    this.#running?.close()
    this.#running = undefined
    this.#problem = undefined
    // A later change is waiting already: its source is the one to follow.
    if (choice === undefined || wanted !== this.#wanted) return
    try {
      const start = await load(choice)
      this.#running = start({ clock, log, onReplicas: this.#onlyFor(wanted, onReplicas) })
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : 'unknown'
      log.error({ [choice.kind]: choice.name, reason: this.#problem }, 'Cannot follow replicas')
    }
  }

  /** Between a change and its turn the source before may still tell. */
  #onlyFor(wanted: string | undefined, onReplicas: StartParts['onReplicas']) {
    return (replicas: readonly DiscoveredReplica[]) => {
      if (this.#wanted === wanted) onReplicas(replicas)
    }
  }
}
