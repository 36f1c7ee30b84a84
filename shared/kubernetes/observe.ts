import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { KubernetesApi, Query } from './kubernetes-api.ts'
import { KubernetesError } from './kubernetes-error.ts'
import type { KubernetesObject } from './kubernetes-object.ts'
import { type Change, ObjectCache } from './object-cache.ts'
import type { WatchEnd } from './watch.ts'
import type { WatchEvent } from './watch-decoder.ts'

/** How well an observer knows its collection. */
export type ObserveState =
  /** Never listed yet; the error of the last try, where one failed. */
  | { readonly kind: 'starting'; readonly error: KubernetesError | undefined }
  | { readonly kind: 'live' }
  /** What is known is kept while the server does not answer, or refuses. */
  | { readonly kind: 'stale'; readonly error: KubernetesError }
  | { readonly kind: 'closed' }

export interface ObserveOptions {
  /** Of a collection: `/apis/discovery.k8s.io/v1/namespaces/a/endpointslices`. */
  readonly path: string
  /** Selectors. */
  readonly query?: Query
  /** Only what the objects say of themselves; `objects` unless given. */
  readonly as?: 'objects' | 'metadata'
  readonly clock: Clock
  /** Length of one watch, 240 s unless given: a frozen server is found out after it at the latest. */
  readonly timeoutSeconds?: number
  /** What of an object is kept, without `managedFields` unless given; what identifies it stays. */
  readonly trim?: (object: KubernetesObject) => KubernetesObject
  /** Each change once, in the server's order; `objects` has it already, a whole list at once. */
  readonly onChange?: (change: Change) => void
  readonly onState?: (state: ObserveState) => void
}

/** The part of {@link KubernetesApi} that an observer uses. */
export type ObservedApi = Pick<KubernetesApi, 'list' | 'watch'>

/** Lists a collection and follows it until closed. Never throws and never empties on an error. */
export function observe(api: ObservedApi, options: ObserveOptions): Observation {
  return new Observation(api, options)
}

/** Waits of 1, 2, 4 … 30 s, halved at most by chance: all pods lose their server at once. */
const retryMsMin = 1_000
const retryMsMax = 30_000
/** Longest that the server's own `retry-after` is obeyed. */
const retryAfterMsMax = 60_000
/** A watch that lasted this long worked: what ends it is a first failure again. */
const healthyMs = 10_000
/** After as many refusals in a row the resource version itself may be what the server refuses. */
const refusalsMax = 3
const timeoutSecondsDefault = 240
/**
 * A list at least this often, whatever watches say: a store restored from a backup counts anew, and
 * the watch of a version of its future is silent rather than refused (Kubernetes 1.36, measured).
 */
const listMs = 30 * 60_000

export class Observation {
  readonly #api: ObservedApi
  readonly #options: ObserveOptions
  readonly #cache: ObjectCache
  readonly #cancellation = new Cancellation()
  readonly #synced = Promise.withResolvers<boolean>()
  #state: ObserveState = { kind: 'starting', error: undefined }
  /** Where the next watch begins; undefined where a list comes first. */
  #resourceVersion: string | undefined
  #listedMs = 0
  #failures = 0
  #openedMs: number | undefined
  #heardMs: number | undefined
  #undoPause: Undo = () => {}

  constructor(api: ObservedApi, options: ObserveOptions) {
    this.#api = api
    this.#options = options
    this.#cache = new ObjectCache(options.trim)
    void this.#run()
  }

  /** By `namespace/name`, or `name` where there is no namespace; empty until synced. */
  get objects(): ReadonlyMap<string, KubernetesObject> {
    return this.#cache.objects
  }

  /** True once a first list is there; false when closed before. */
  get whenSynced(): Promise<boolean> {
    return this.#synced.promise
  }

  get state(): ObserveState {
    return this.#state
  }

  /** Milliseconds since the server last said anything of the collection; undefined: never yet. */
  get ageMs(): number | undefined {
    return this.#heardMs === undefined ? undefined : this.#options.clock.now() - this.#heardMs
  }

  /** Ends watch and timers, and is told of no change afterwards; `objects` stays readable. */
  close(): void {
    if (this.#state.kind === 'closed') return
    this.#enter({ kind: 'closed' })
    this.#cancellation.cancel(new CallError('draining', 'Cannot watch: nobody observes any more'))
    this.#undoPause()
    this.#synced.resolve(false)
  }

  get #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      this.#openedMs = undefined
      const error = await this.#turn()
      if (this.#isClosed) return
      const waitMs = this.#waitAfter(error)
      if (waitMs > 0) await this.#pause(waitMs)
    }
  }

  /** One list where needed, and one watch; gives what ended them, undefined where that is usual. */
  async #turn(): Promise<KubernetesError | undefined> {
    try {
      const resourceVersion = this.#resourceVersion ?? (await this.#list())
      if (this.#isClosed) return undefined
      return this.#judge(await this.#watch(resourceVersion))
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      this.#fall(error)
      return error
    }
  }

  async #list(): Promise<string> {
    const { path, query, as = 'objects' } = this.#options
    const cancellation = this.#cancellation
    const { items, resourceVersion } = await this.#api.list(path, query, { as, cancellation })
    if (this.#isClosed) return resourceVersion
    const changes = this.#cache.replace(items)
    this.#resourceVersion = resourceVersion
    this.#listedMs = this.#options.clock.now()
    this.#hear()
    this.#tell(changes)
    this.#synced.resolve(true)
    return resourceVersion
  }

  #watch(resourceVersion: string): Promise<WatchEnd> {
    const { path, query, as = 'objects', clock, timeoutSeconds } = this.#options
    const seconds = timeoutSeconds ?? timeoutSecondsDefault
    return this.#api.watch(path, {
      query,
      as,
      resourceVersion,
      // Spread, or all watches that began together would end together for ever.
      timeoutSeconds: Math.ceil(seconds * (0.75 + clock.random() / 4)),
      cancellation: this.#cancellation,
      onOpen: () => {
        this.#openedMs = clock.now()
        this.#hear()
      },
      onEvent: (event) => this.#take(event),
    })
  }

  #take(event: WatchEvent): void {
    if (this.#isClosed) return
    const { resourceVersion } = event.object.metadata
    if (resourceVersion !== undefined) this.#resourceVersion = resourceVersion
    const change = this.#cache.apply(event)
    this.#hear()
    if (change !== undefined) this.#tell([change])
  }

  #tell(changes: readonly Change[]): void {
    for (const change of changes) {
      // The listener may close between two.
      if (!this.#isClosed) this.#options.onChange?.(change)
    }
  }

  #judge(end: WatchEnd): KubernetesError | undefined {
    if (end.kind === 'cancelled') return undefined
    if (end.kind === 'ended') {
      if (this.#options.clock.now() - this.#listedMs >= listMs) this.#resourceVersion = undefined
      return undefined
    }
    const { error } = end
    // What is known was true a moment ago: the list that follows decides whether the server answers.
    if (end.kind === 'failed') this.#fall(error)
    if (end.kind === 'expired' || this.#isPoisoned(error)) this.#resourceVersion = undefined
    return error
  }

  /** Whether going on from the same version would only fail the same way. */
  #isPoisoned({ status, reason }: KubernetesError): boolean {
    if (status === 0) return reason === 'TooLarge' || reason === 'Garbage'
    const isAboutCaller = status === 401 || status === 403 || status === 429
    // Some servers refuse versions of their future by 504, such as after a restore.
    return status >= 500 ? this.#failures + 1 >= refusalsMax : !isAboutCaller
  }

  #waitAfter(error: KubernetesError | undefined): number {
    const { clock } = this.#options
    const lastedMs = this.#openedMs === undefined ? 0 : clock.now() - this.#openedMs
    if (lastedMs >= healthyMs) {
      this.#failures = 0
      if (error === undefined || error.status === 410) return 0
    }
    const waitMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures++, 10))
    const spreadMs = waitMs * (0.5 + clock.random() / 2)
    return Math.max(spreadMs, Math.min(error?.retryAfterMs ?? 0, retryAfterMsMax))
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const undoTimer = this.#options.clock.after(waitMs, resolve)
      this.#undoPause = () => {
        undoTimer()
        resolve()
      }
    })
  }

  #hear(): void {
    this.#heardMs = this.#options.clock.now()
    if (this.#state.kind !== 'live') this.#enter({ kind: 'live' })
  }

  #fall(error: KubernetesError): void {
    if (this.#isClosed) return
    const kind = this.#heardMs === undefined ? 'starting' : 'stale'
    this.#enter({ kind, error })
  }

  #enter(state: ObserveState): void {
    this.#state = state
    this.#options.onState?.(state)
  }
}
