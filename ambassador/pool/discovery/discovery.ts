import type { Clock, Undo } from '#shared/call/clock.ts'
import {
  type Observation,
  type ObservedApi,
  type ObserveState,
  observe,
} from '#shared/kubernetes/observe.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { sliceOf, trimmedSlice } from './endpoint-slice.ts'
import {
  type Discovered,
  type DiscoveredReplica,
  type PortChoice,
  replicasOf,
} from './replicas-of.ts'

export interface DiscoveryOptions {
  readonly namespace: string
  readonly service: string
  readonly port: PortChoice
}

export interface DiscoveryParts {
  readonly api: ObservedApi
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** Each set that differs from the one before; the first comes with the first list, empty or not. */
  readonly onReplicas: (replicas: readonly DiscoveredReplica[]) => void
}

/** For the status page; ages in milliseconds. */
export interface DiscoveryStatus {
  readonly service: string
  readonly state: ObserveState['kind']
  /** Since the API server last said anything; a silent one is asked anew after 150 s at the latest. */
  readonly ageMs: number | undefined
  readonly error: string | undefined
  readonly serving: number
  readonly leaving: number
  readonly leftOut: number
  readonly problems: readonly string[]
}

/** From the first change on, not from the last: a pool that never rests is still followed. */
const debounceMs = 50
/** A frozen API server says nothing; health probes find out what it does not tell meanwhile. */
const watchSeconds = 120

const nothing: Discovered = { replicas: [], leftOut: 0, problems: [] }

/**
 * The replicas behind a Service, followed by its EndpointSlices. The last known set stays while the
 * API server is away or refuses; it is empty only where the server says that there are none.
 */
export class Discovery {
  readonly #parts: DiscoveryParts
  readonly #options: DiscoveryOptions
  readonly #observation: Observation
  #found: Discovered | undefined
  #undoDebounce: Undo | undefined
  #told = ''
  #described = ''

  constructor(parts: DiscoveryParts, options: DiscoveryOptions) {
    this.#parts = parts
    this.#options = options
    const { namespace, service } = options
    this.#observation = observe(parts.api, {
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      query: { labelSelector: `kubernetes.io/service-name=${service}` },
      clock: parts.clock,
      timeoutSeconds: watchSeconds,
      trim: trimmedSlice,
      onChange: () => this.#changed(),
      onState: (state) => this.#describe(state),
    })
    void this.#begin()
  }

  /** Whether the server has said which replicas there are, be it none. */
  get isSynced(): boolean {
    return this.#found !== undefined
  }

  status(): DiscoveryStatus {
    const { state, ageMs } = this.#observation
    const { replicas, leftOut, problems } = this.#found ?? nothing
    const serving = replicas.filter((replica) => replica.state === 'serving').length
    return {
      service: this.#name,
      state: state.kind,
      ageMs: ageMs === undefined ? undefined : Math.round(ageMs),
      error: 'error' in state ? state.error?.message : undefined,
      serving,
      leaving: replicas.length - serving,
      leftOut,
      problems,
    }
  }

  /** Tells of no replica afterwards; what was told stays true as far as anybody knows. */
  close(): void {
    this.#undoDebounce?.()
    this.#observation.close()
  }

  get #name(): string {
    return `${this.#options.namespace}/${this.#options.service}`
  }

  /** An empty list is no change, and is news all the same. */
  async #begin(): Promise<void> {
    if (!(await this.#observation.whenSynced)) return
    this.#undoDebounce?.()
    this.#settle()
  }

  #changed(): void {
    // Of the first list each object comes as a change: `#begin` tells of them together.
    if (this.#found === undefined) return
    this.#undoDebounce ??= this.#parts.clock.after(debounceMs, () => this.#settle())
  }

  #settle(): void {
    this.#undoDebounce = undefined
    if (this.#observation.state.kind === 'closed') return
    const slices = [...this.#observation.objects.values()].flatMap((each) => sliceOf(each) ?? [])
    const before = this.#found ?? nothing
    this.#found = kept(before, replicasOf(slices, this.#options.port))
    const { replicas, problems } = this.#found
    this.#warnOf(problems, before.problems)
    const told = JSON.stringify(replicas)
    if (told === this.#told) return
    this.#told = told
    if (replicas.length === 0) {
      this.#parts.log.warn({ service: this.#name }, 'the service of the pool has no replica')
    }
    this.#parts.onReplicas(replicas)
  }

  #warnOf(problems: readonly string[], known: readonly string[]): void {
    for (const problem of problems) {
      if (known.includes(problem)) continue
      this.#parts.log.error({ service: this.#name }, `Cannot use all endpoints: ${problem}`)
    }
  }

  #describe(state: ObserveState): void {
    const { log } = this.#parts
    const facts = { service: this.#name }
    const reason = 'error' in state ? state.error?.message : undefined
    // Each try that fails the same way is no news.
    const described = `${state.kind} ${reason}`
    if (described === this.#described) return
    this.#described = described
    if (state.kind === 'live') log.info(facts, 'replicas are followed')
    else if (state.kind !== 'closed') {
      log.warn({ ...facts, reason }, 'Cannot follow replicas: the last known ones stay')
    }
  }
}

/** Endpoints that cannot be read, such as those of a port renamed, do not empty a pool that works. */
function kept(before: Discovered, found: Discovered): Discovered {
  const isUnreadable = found.replicas.length === 0 && found.problems.length > 0
  return isUnreadable ? { ...before, problems: found.problems } : found
}
