import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Notice, report } from '#shared/kubernetes/report.ts'

export interface OwnerEventParts {
  readonly api: Pick<KubernetesApi, 'create'>
  readonly clock: Clock
  readonly instance: string
  readonly onDropped: () => void
}

/** A ReplicaSet whose pods are refused tries again for ever: the same is said once in ten minutes. */
const repeatMs = 10 * 60_000
const rememberedMax = 1_000
const atOnceMax = 16

/**
 * Writes Events on the owners of pods: a pod itself has no name yet, and its owner is what people look
 * at. Never keeps an answer waiting; what is too much is dropped and counted.
 */
export class OwnerEvents {
  readonly #parts: OwnerEventParts
  /** When what was said last, oldest first. */
  readonly #said = new Map<string, number>()
  #underWay = 0

  constructor(parts: OwnerEventParts) {
    this.#parts = parts
  }

  /** Tells the owner of `pod` in `namespace`, or the pod where it has a name and no owner. */
  tell(pod: unknown, namespace: string, notice: Notice): void {
    const { clock, onDropped } = this.#parts
    const object = ownerOf(pod, namespace)
    if (object === undefined) return
    const key = `${namespace}/${object.metadata.uid ?? object.metadata.name}/${notice.message}`
    const nowMs = clock.now()
    const lastMs = this.#said.get(key)
    if (lastMs !== undefined && nowMs - lastMs < repeatMs) return
    if (this.#underWay >= atOnceMax) return onDropped()
    this.#said.delete(key)
    this.#said.set(key, nowMs)
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= rememberedMax) break
      this.#said.delete(oldest)
    }
    void this.#write(object, notice)
  }

  async #write(object: KubernetesObject, notice: Notice): Promise<void> {
    const { api, clock, instance, onDropped } = this.#parts
    this.#underWay++
    try {
      await report({ api, clock, component: 'outrigger-webhook', instance }, object, notice)
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      onDropped()
    } finally {
      this.#underWay--
    }
  }
}

function ownerOf(pod: unknown, namespace: string): KubernetesObject | undefined {
  const metadata = objectAt(pod, 'metadata')
  const owners = objectsOf(metadata?.['ownerReferences'])
  const owner = owners.find(({ controller }) => controller === true) ?? owners[0]
  const { apiVersion, kind, name, uid } = owner ?? { ...metadata, apiVersion: 'v1', kind: 'Pod' }
  if (typeof name !== 'string' || typeof kind !== 'string') return undefined
  return {
    kind,
    ...(typeof apiVersion === 'string' ? { apiVersion } : {}),
    metadata: { name, namespace, ...(typeof uid === 'string' ? { uid } : {}) },
  }
}
