import type { Clock } from '#shared/call/clock.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import type { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { type Distribution, distribution, type Handout } from './distribute.ts'
import { giveOut } from './give-out.ts'
import { Reverts } from './reverts.ts'
import { touch } from './touch.ts'

export interface DistributorParts {
  readonly api: Pick<KubernetesApi, 'patch' | 'remove'>
  readonly clock: Clock
  readonly log: Log
  /** Whether it may write an annotation on pods, so that they take a configuration at once. */
  readonly touches: 'pods' | 'nothing'
}

/** The cluster as last told. */
export interface Surroundings {
  /** Namespaces that need the handout. */
  readonly wanted: ReadonlySet<string>
  /** ConfigMaps of its name, by namespace. */
  readonly held: ReadonlyMap<string, KubernetesObject>
  /** Of pods with a sidecar, by `namespace/name`. */
  readonly pods: ReadonlyMap<string, KubernetesObject>
}

export interface Given {
  /** Why a namespace has not taken it. */
  readonly refusals: ReadonlyMap<string, KubernetesError>
  /** When one that was held back is due, in ms; infinite where none was. */
  readonly nextMs: number
}

/** What a namespace holds that is to hold nothing. */
const nothing = ''

/** Brings a handout to those who need it, and has their pods take it. */
export class Distributor {
  readonly #parts: DistributorParts
  readonly #reverts = new Reverts()

  constructor(parts: DistributorParts) {
    this.#parts = parts
  }

  /** Rejects with `KubernetesError` where the API server itself is not well. */
  async distribute(handout: Handout, surroundings: Surroundings): Promise<Given> {
    const { api, clock, log } = this.#parts
    const nowMs = clock.now()
    const content = `${handout.projection.hash} ${handout.authorities ?? ''}`
    const whole = distribution(handout, surroundings.wanted, surroundings.held)
    const { plan, nextMs } = this.#due(whole, content, nowMs)
    if (plan.write.length + plan.remove.length === 0) return { refusals: new Map(), nextMs }
    const refusals = await giveOut(api, plan)
    const taken = plan.write
      .map(({ metadata: { namespace = '' } }) => namespace)
      .filter((namespace) => !refusals.has(namespace))
    for (const namespace of taken) this.#reverts.wrote(namespace, content, nowMs)
    for (const namespace of plan.remove) this.#reverts.wrote(namespace, nothing, nowMs)
    const facts = { hash: handout.projection.hash, written: taken.length }
    log.info({ ...facts, removed: plan.remove.length }, 'configuration given out')
    if (this.#parts.touches === 'pods') {
      await this.#touch(new Set(taken), surroundings, `${handout.projection.hash}-${clock.wall()}`)
    }
    return { refusals, nextMs }
  }

  /** Without those who revert it faster than it is worth writing it. */
  #due(whole: Distribution, content: string, nowMs: number) {
    this.#reverts.sweep(nowMs)
    let nextMs = Number.POSITIVE_INFINITY
    const isDue = (namespace: string, wish: string) => {
      const restMs = this.#reverts.restMs(namespace, wish, nowMs)
      if (restMs > 0) nextMs = Math.min(nextMs, restMs)
      return restMs === 0
    }
    const write = whole.write.filter(({ metadata }) => isDue(metadata.namespace ?? '', content))
    const remove = whole.remove.filter((namespace) => isDue(namespace, nothing))
    const due = new Set(write.map(({ metadata }) => metadata.namespace))
    const strays = new Map([...whole.strays].filter(([namespace]) => due.has(namespace)))
    return { plan: { ...whole, strays, write, remove }, nextMs }
  }

  async #touch(changed: ReadonlySet<string>, { pods }: Surroundings, mark: string) {
    const { api, log } = this.#parts
    const touched = [...pods].flatMap(([key, { metadata }]) =>
      changed.has(metadata.namespace ?? '') ? [key] : [],
    )
    const { error } = await touch(api, touched, mark)
    if (error !== undefined) {
      log.warn({ error: error.message }, 'Cannot touch pods: they take the configuration by and by')
    }
  }
}
