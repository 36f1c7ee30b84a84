import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { VllmProvider } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'
import type { AmbassadorCall } from '../call.ts'
import type { DiscoveredReplica } from './discovery/replicas-of.ts'
import { Placing } from './placing/placing.ts'
import {
  noMeter,
  type PlacingMeter,
  type PlacingParts,
  type PlacingSettings,
  placingDefaults,
} from './placing/placing-settings.ts'
import { ReplicaVerdicts } from './replica-verdicts.ts'

/** One vLLM server as the pool sees it. */
export interface Replica {
  readonly origin: string
  inFlight: number
  /** Probes that failed in a row. */
  failures: number
  isHealthy: boolean
  /** Whether it is about to end: it takes no new call while any other replica serves. */
  isLeaving: boolean
  /** Of its node; undefined where nobody said. */
  zone: string | undefined
}

/** One of them for statusz and metrics. */
export interface ReplicaView extends Replica {
  /** Whether it takes calls. */
  readonly isHealthy: boolean
  /** How long it takes none for doing worse than the others, in ms; 0 where it does not. */
  readonly ejectedMs: number
}

/** A replica as whoever follows a Service tells of it. */
type Found = Pick<DiscoveredReplica, 'origin' | 'state'> & { readonly zone?: string | undefined }

interface PoolParts {
  readonly clock: Clock
  readonly origins: Origins
  /** This process’s own; undefined where it was not told. */
  readonly zone?: string | undefined
  /** Told when a replica leaves or comes back. */
  readonly onHealth: (replica: Pick<Replica, 'origin' | 'isHealthy'>) => void
  readonly meter?: PlacingMeter
  readonly onDecision?: PlacingParts['onDecision']
}

/**
 * The replicas of one provider: asked for their health by turns, watched in their calls, picked by
 * calls in flight. A replica counts as healthy until its probes say otherwise, so that a start needs
 * no waiting. One that answers its probes and fails its calls, worse than the others do, is out for a
 * time that grows. (Of providers with several base URLs the credentials are the addresses: those
 * are watched in the same way, where turns are given.)
 */
export class ReplicaPool {
  readonly #parts: PoolParts
  #replicas = new Map<string, Replica>()
  readonly #verdicts: ReplicaVerdicts
  /** Gives calls their replicas. */
  readonly placing: Placing
  #options: VllmProvider['replicas'] | undefined
  #undoProbe: Undo | undefined
  /** Being asked for their health. */
  readonly #probed = new Set<Replica>()
  #isClosed = false

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { clock, origins, meter = noMeter, onDecision, onHealth } = parts
    this.#verdicts = new ReplicaVerdicts({ clock, onOut: onHealth })
    const able = () => this.#able()
    this.placing = new Placing({ clock, origins, meter, able, onDecision }, placingDefaults)
  }

  /** Addresses of all, whether they take calls or not. */
  get origins(): readonly string[] {
    return [...this.#replicas.keys()]
  }

  get replicas(): readonly ReplicaView[] {
    const usable = new Set(this.#usable())
    return [...this.#replicas.values()].map((replica) => ({
      ...replica,
      isHealthy: usable.has(replica),
      ejectedMs: this.#verdicts.untilBackMs(replica.origin),
    }))
  }

  /** Takes over a configuration: replicas that stay keep what is known of them. */
  configure(options: VllmProvider['replicas'], placing: PlacingSettings = placingDefaults): void {
    this.#options = options
    this.placing.configure(placing)
    // Others stay until their source has been asked who they are.
    if (options.addresses.length > 0) {
      this.#take(options.addresses.map((origin) => ({ origin, state: 'serving' })))
    }
    this.#undoProbe?.()
    this.#probeLater(0)
  }

  /** Takes over whom a Service stands for. Only who is new is asked for its health before its turn. */
  discovered(found: readonly Found[]): void {
    const options = this.#options
    if (options === undefined) return
    const added = this.#take(found)
    for (const replica of added) void this.#probe(replica, options)
  }

  /** Gives those that were not there before. */
  #take(found: readonly Found[]): readonly Replica[] {
    const kept = new Map<string, Replica>()
    const added: Replica[] = []
    for (const { origin, state, zone } of found) {
      const known = this.#replicas.get(origin)
      const isLeaving = state === 'leaving'
      const replica = known ?? {
        origin,
        inFlight: 0,
        failures: 0,
        isHealthy: true,
        isLeaving,
        zone,
      }
      replica.isLeaving = isLeaving
      replica.zone = zone
      kept.set(origin, replica)
      if (known === undefined) added.push(replica)
    }
    this.#replicas = kept
    this.#verdicts.retain([...kept.keys()])
    this.placing.follow([...kept.keys()])
    return added
  }

  /** Asks nobody any more: the provider is no pool. */
  clear(): void {
    this.#options = undefined
    this.#replicas = new Map()
    this.#verdicts.retain([])
    this.#undoProbe?.()
    this.placing.follow([])
  }

  /**
   * How an attempt at a replica ended. A caller's own mistake, a 429 and a full queue are no verdict.
   */
  record(origin: string, verdict: 'success' | 'failure'): void {
    if (this.#verdicts.record(origin, verdict, this.#replicas.keys())) this.placing.changed()
  }

  /**
   * Whether most of those that take calls fail them: that is the pool’s, and no single replica’s. Of
   * one or two it is all.
   */
  get isFailing(): boolean {
    return this.#verdicts.isMostFailing(this.#usable().map(({ origin }) => origin))
  }

  /**
   * The healthy replica with the fewest calls in flight, and none that is out for its calls. Of equals
   * one in this process's own zone, which spares the way between two and never makes one of them
   * busier than the others; then by chance. Throws `no-healthy-replica`.
   */
  pick(): Replica {
    const { clock } = this.#parts
    let best: Replica | undefined
    let ties = 0
    for (const replica of this.#usable()) {
      const order = best === undefined ? -1 : this.#compare(replica, best)
      if (order < 0) {
        best = replica
        ties = 1
      } else if (order === 0 && clock.random() * ++ties < 1) best = replica
    }
    if (best === undefined) {
      throw new CallError('no-healthy-replica', 'Cannot serve: no replica of the pool is healthy', {
        replicas: this.#replicas.size,
      })
    }
    return best
  }

  /** Whether a replica takes calls that this call has not tried. */
  hasOther(context: AmbassadorCall): boolean {
    return this.placing.hasOther(context)
  }

  /** Attempts under way at a replica: that one begins or, by what is returned, ends. */
  enter(origin: string): () => void {
    const replica = this.#replicas.get(origin)
    if (replica === undefined) return () => undefined
    replica.inFlight++
    return () => {
      replica.inFlight--
    }
  }

  /** Addresses that take calls: those of this process’s own zone before the others. */
  #able(): readonly (readonly string[])[] {
    const { zone } = this.#parts
    const usable = this.#usable()
    if (zone === undefined) return [usable.map(({ origin }) => origin)]
    const isHere = (replica: Replica) => replica.zone === zone
    const there = usable.filter((replica) => !isHere(replica))
    return [usable.filter(isHere), there].map((group) => group.map(({ origin }) => origin))
  }

  /** Below 0 where `one` is the better choice. */
  #compare(one: Replica, other: Replica): number {
    const { zone } = this.#parts
    const isHere = (replica: Replica) => (zone !== undefined && replica.zone === zone ? 0 : 1)
    return one.inFlight - other.inFlight || isHere(one) - isHere(other)
  }

  /**
   * Those that take calls: the healthy ones without those that are out or, while others stay, leave. Where more of the healthy ones
   * are out than in, all are used, for the few would break under the load of all. It takes probes that
   * fail as well: half of a pool may be out at most.
   */
  #usable(): readonly Replica[] {
    const answering = [...this.#replicas.values()].filter(({ isHealthy }) => isHealthy)
    const staying = answering.filter(({ isLeaving }) => !isLeaving)
    const healthy = staying.length > 0 ? staying : answering
    const able = healthy.filter(({ origin }) => !this.#verdicts.isOut(origin))
    return able.length * 2 < healthy.length ? healthy : able
  }

  close(): void {
    this.#isClosed = true
    this.#undoProbe?.()
    this.placing.close()
  }

  #probeLater(delayMs: number): void {
    this.#undoProbe = this.#parts.clock.after(delayMs, () => void this.#probeAll())
  }

  async #probeAll(): Promise<void> {
    const options = this.#options
    if (options === undefined) return
    await Promise.all([...this.#replicas.values()].map((replica) => this.#probe(replica, options)))
    // A reload during the probes has set its own next turn.
    if (!this.#isClosed && this.#options === options) this.#probeLater(options.health.interval)
  }

  async #probe(replica: Replica, { health }: VllmProvider['replicas']): Promise<void> {
    // Who joins at a turn of all, or is there at a reload, would fail twice by one slow answer.
    if (this.#probed.has(replica)) return
    this.#probed.add(replica)
    const answered = await this.#answers(replica, health)
    this.#probed.delete(replica)
    replica.failures = answered ? 0 : replica.failures + 1
    const isHealthy = replica.failures < health.failures
    if (isHealthy === replica.isHealthy) return
    replica.isHealthy = isHealthy
    this.#parts.onHealth(replica)
    this.placing.changed()
  }

  async #answers(replica: Replica, health: VllmProvider['replicas']['health']): Promise<boolean> {
    const { clock, origins } = this.#parts
    try {
      const response = await origins.exchange(
        { origin: replica.origin, method: 'GET', path: health.path, headers: [], body: undefined },
        probeOptions(health),
        {
          headMs: health.timeout,
          idleMs: health.timeout,
          cancellation: new Cancellation(),
          clock,
          peer: replica.origin,
        },
      )
      await readBody(response.body, 64 * 1024)
      return response.status === 200
    } catch {
      // Whatever kept the probe from a 200 is the answer: not healthy.
      return false
    }
  }
}

/** How a probe connects; a replica that hangs holds two connections at most. */
export function probeOptions(health: VllmProvider['replicas']['health']): OriginOptions {
  return {
    connectMs: health.timeout,
    keepAliveMs: 4_000,
    connectionsMax: 2,
    headBytesMax: 16 * 1024,
  }
}
