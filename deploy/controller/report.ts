import { createHash } from 'node:crypto'
import type { Clock } from '#shared/call/clock.ts'
import type { Problem } from '#shared/config/load.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

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

/** Beyond these a person mends the first ones first. */
const keysMax = 10

/** One notice for each bad key, in the order of the file, and one for what is left. */
export function noticesOf(problems: readonly Problem[]): Notice[] {
  const notices = problems.slice(0, keysMax).map(({ path, message, suggestion, line }) => {
    const at = line === undefined ? '' : `line ${line}: `
    const hint = suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`
    const text = `${at}${path === '' ? message : `${path} ${message}`}${hint}`
    return { type: 'Warning' as const, reason: 'ConfigurationRefused', message: text }
  })
  const more = problems.length - keysMax
  if (more <= 0) return notices
  const message = `and ${more} more; \`outrigger config check\` names them all`
  return [...notices, { type: 'Warning', reason: 'ConfigurationRefused', message }]
}
