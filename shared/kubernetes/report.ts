import { createHash } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { KubernetesApi } from './kubernetes-api.ts'
import type { KubernetesObject } from './kubernetes-object.ts'

/** What is to be seen in `kubectl describe`. */
export interface Notice {
  readonly type: 'Normal' | 'Warning'
  /** In UpperCamelCase, for machines. */
  readonly reason: string
  readonly message: string
}

export interface ReportParts {
  readonly api: Pick<KubernetesApi, 'create'>
  readonly clock: Pick<Clock, 'wall'>
  /** `outrigger-controller`, and the pod that says it. */
  readonly component: string
  readonly instance: string
}

/** The API server refuses longer ones. */
const messageCharsMax = 1_024

/** Writes an Event about `object`. Rejects with `KubernetesError`. */
export async function report(
  { api, clock, component, instance }: ReportParts,
  object: KubernetesObject,
  { type, reason, message }: Notice,
): Promise<void> {
  const { name = '', namespace = 'default', uid, resourceVersion } = object.metadata
  const now = new Date(clock.wall()).toISOString()
  const tag = createHash('sha256').update(`${uid} ${reason} ${message} ${now}`).digest('hex')
  await api.create(`/api/v1/namespaces/${namespace}/events`, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${tag.slice(0, 16)}`.slice(-253), namespace },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      namespace,
      uid,
      resourceVersion,
    },
    type,
    reason,
    message: message.slice(0, messageCharsMax),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  })
}
