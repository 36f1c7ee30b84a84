import type { Clock } from '#shared/call/clock.ts'
import { keepNewest } from '#shared/keep-newest.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Notice, report } from '#shared/kubernetes/report.ts'
import { EventBudget } from './event-budget.ts'
import { ownerOf } from './pod-owner.ts'

export interface OwnerEventParts {
  readonly api: Pick<KubernetesApi, 'create'>
  readonly clock: Clock
  readonly instance: string
  /** Nothing is injected there, so there is nothing to tell; whoever asks may not be the API server. */
  readonly isExcluded: (namespace: string) => boolean
  readonly onDropped: () => void
}

/** A ReplicaSet whose pods are refused tries again for ever: the same is said once in ten minutes. */
const repeatMs = 10 * 60_000
const rememberedMax = 1_000
const atOnceMax = 16
/** A refusal quotes what the pod's author wrote, which may be long. */
const messageCharsMax = 400

/**
 * Writes Events on the owners of pods: a pod itself has no name yet, and its owner is what people look
 * at. Never keeps an answer waiting; what is too much is dropped and counted.
 */
export class OwnerEvents {
  readonly #parts: OwnerEventParts
  readonly #budget: EventBudget
  /** When what was said last, oldest first. */
  readonly #said = new Map<string, number>()
  #underWay = 0

  constructor(parts: OwnerEventParts) {
    this.#parts = parts
    this.#budget = new EventBudget(parts.clock)
  }

  /** How many Events it would not repeat: 0 to 1,000. */
  get remembered(): number {
    return this.#said.size
  }

  /** Tells the owner of `pod` in `namespace`, or the pod where it has a name and no owner. */
  tell(pod: unknown, namespace: string, notice: Notice): void {
    const { clock, isExcluded, onDropped } = this.#parts
    const object = isExcluded(namespace) ? undefined : ownerOf(pod, namespace)
    if (object === undefined) return
    const message = plain(notice.message)
    const key = `${namespace}/${object.metadata.uid ?? object.metadata.name}/${message}`
    const nowMs = clock.now()
    const lastMs = this.#said.get(key)
    if (lastMs !== undefined && nowMs - lastMs < repeatMs) return
    if (this.#underWay >= atOnceMax || !this.#budget.take(namespace)) return onDropped()
    keepNewest(this.#said, [key, nowMs], rememberedMax)
    void this.#write(object, { ...notice, message })
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

/** Without what moves a terminal's cursor or turns its text around, and of bounded length. */
function plain(message: string): string {
  const short = message.slice(0, messageCharsMax)
  return short.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
}
