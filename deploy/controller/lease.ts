import * as v from 'valibot'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Of client-go's leader election, which every controller of the cluster runs with. */
const leaseMs = 15_000
const renewDeadlineMs = 10_000
const retryMs = 2_000

export interface LeaseParts {
  readonly api: Pick<KubernetesApi, 'get' | 'create' | 'replace'>
  readonly clock: Clock
  readonly namespace: string
  readonly name: string
  /** Of this process alone: the pod's name. */
  readonly identity: string
  readonly onChange: (isLeader: boolean) => void
}

const leaseSpec = v.object({
  holderIdentity: v.optional(v.nullable(v.string())),
  leaseDurationSeconds: v.optional(v.nullable(v.number())),
  acquireTime: v.optional(v.nullable(v.string())),
  renewTime: v.optional(v.nullable(v.string())),
  leaseTransitions: v.optional(v.nullable(v.number())),
})
type LeaseSpec = v.InferOutput<typeof leaseSpec>

/**
 * One of several processes leads, by a Lease object. Other clocks are not believed: a holder is gone
 * when its record has not changed for 15 s of ours. Whoever cannot renew for 10 s stops leading before
 * anybody else may begin. Those 10 s begin with the question, since nobody knows when within it the
 * server wrote the record that others count from.
 */
export class LeaderLease {
  readonly #parts: LeaseParts
  #isLeader = false
  #isHeard = false
  #renewedAt = 0
  /** The record of another holder, and when it was seen to change. */
  #seen: { readonly version: string | undefined; readonly at: number } | undefined
  #undo: Undo = () => {}
  #undoDeadline: Undo = () => {}
  #turn: Promise<void>
  #isClosed = false

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#turn = this.#run()
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  /** Whether the server has ever answered. */
  get isHeard(): boolean {
    return this.#isHeard
  }

  /** Stops leading, and lets another begin at once where the server can still be told. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#undo()
    await this.#turn
    const wasLeader = this.#isLeader
    this.#lead(false)
    if (wasLeader) await this.#release()
  }

  async #run(): Promise<void> {
    try {
      const askedAt = await this.#hold()
      if (askedAt === undefined) this.#lead(false)
      else this.#renew(askedAt)
      this.#isHeard = true
    } catch (error) {
      // The deadline decides, not one failed try. Conflict: somebody else was quicker.
      if (!(error instanceof KubernetesError)) throw error
    }
    if (this.#isClosed) return
    const { clock } = this.#parts
    this.#undo = clock.after(retryMs * (1 + clock.random() * 0.2), () => {
      this.#turn = this.#run()
    })
  }

  /** When the write was asked for by which the lease is ours; undefined where it is another's. */
  async #hold(): Promise<number | undefined> {
    const { api, identity, clock } = this.#parts
    const held = await this.#read()
    if (held === undefined) {
      const askedAt = clock.now()
      await api.create(this.#collection, this.#object(undefined, this.#spec(undefined)))
      return askedAt
    }
    const { object, spec } = held
    const holder = spec.holderIdentity ?? ''
    if (holder !== identity && holder !== '' && this.#isAlive(object, spec)) return undefined
    // Ours while it was not renewed: another may have led meanwhile.
    if (holder === identity && this.#isLeader && clock.now() - this.#renewedAt > renewDeadlineMs) {
      this.#lead(false)
    }
    const askedAt = clock.now()
    await api.replace(this.#path, this.#object(object, this.#spec(spec)))
    return askedAt
  }

  #isAlive({ metadata }: KubernetesObject, spec: LeaseSpec): boolean {
    const nowMs = this.#parts.clock.now()
    const version = metadata.resourceVersion
    const before = this.#seen
    const seen = before?.version === version && before ? before : { version, at: nowMs }
    this.#seen = seen
    return nowMs - seen.at < (spec.leaseDurationSeconds ?? leaseMs / 1_000) * 1_000
  }

  async #read(): Promise<{ object: KubernetesObject; spec: LeaseSpec } | undefined> {
    const object = await found(this.#parts.api, this.#path)
    if (object === undefined) return undefined
    const parsed = v.safeParse(leaseSpec, object['spec'] ?? {})
    return { object, spec: parsed.success ? parsed.output : {} }
  }

  #spec(before: LeaseSpec | undefined): LeaseSpec {
    const { identity, clock } = this.#parts
    const now = microTime(clock.wall())
    const isSame = before?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: leaseMs / 1_000,
      acquireTime: (isSame ? before?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before === undefined || isSame ? 0 : 1),
    }
  }

  #object(before: KubernetesObject | undefined, spec: LeaseSpec): KubernetesObject {
    const { name, namespace } = this.#parts
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: before?.metadata ?? { name, namespace },
      spec,
    }
  }

  #renew(askedAt: number): void {
    const { clock } = this.#parts
    const restMs = askedAt + renewDeadlineMs - clock.now()
    // The answer came so late that another may be about to begin.
    if (restMs <= 0) return this.#lead(false)
    this.#renewedAt = askedAt
    this.#undoDeadline()
    this.#undoDeadline = clock.after(restMs, () => this.#lead(false))
    this.#lead(true)
  }

  #lead(isLeader: boolean): void {
    if (!isLeader) this.#undoDeadline()
    if (this.#isLeader === isLeader) return
    this.#isLeader = isLeader
    this.#parts.onChange(isLeader)
  }

  async #release(): Promise<void> {
    try {
      const held = await this.#read()
      if (held?.spec.holderIdentity !== this.#parts.identity) return
      const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1 }
      await this.#parts.api.replace(this.#path, this.#object(held.object, spec))
    } catch (error) {
      // It runs out by itself.
      if (!(error instanceof KubernetesError)) throw error
    }
  }

  get #collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#parts.namespace}/leases`
  }

  get #path(): string {
    return `${this.#collection}/${this.#parts.name}`
  }
}

/** Kubernetes' MicroTime: RFC 3339 with six digits. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z')
}
