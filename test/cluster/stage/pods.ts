import type { Json } from '../api.ts'
import type { Cluster } from '../cluster.ts'
import type { ContainerSpec, Pod } from '../node/pod.ts'

/** Metadata of whatever asks for its sidecar, with further annotations. */
export function asking(annotations: Readonly<Record<string, string>> = {}) {
  return { annotations: { 'outrigger.dev/inject': 'true', ...annotations } }
}

/** A container that Pod Security's `restricted` lets pass. */
export function container(name = 'app', members: Json = {}): Json {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    runAsUser: 1_000,
    seccompProfile: { type: 'RuntimeDefault' },
  }
  return { name, image: 'app', securityContext, ...members }
}

/** A pod that no scheduler binds: creation alone is looked at. */
export function pod(metadata: Json = {}, spec: Json = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-', ...metadata },
    spec: {
      containers: [container()],
      schedulingGates: [{ name: 'test.outrigger.dev/never' }],
      ...spec,
    },
  }
}

/** Creates a pod, really or as a dry run. */
export function create(
  { api }: Cluster,
  namespace: string,
  object: Json,
  run: 'real' | 'dry' = 'real',
): Promise<Pod> {
  const query = run === 'dry' ? '?dryRun=All' : ''
  return api.create<Pod>(`/api/v1/namespaces/${namespace}/pods${query}`, object)
}

export function initNames({ spec }: Pod): readonly string[] {
  return (spec.initContainers ?? []).map(({ name }) => name)
}

/** The sidecar; fails where there is none. */
export function sidecarOf({ spec, metadata }: Pod): ContainerSpec {
  const found = spec.initContainers?.find(({ name }) => name === 'outrigger-sidecar')
  if (found === undefined) throw new Error(`Cannot find the sidecar of ${metadata.name}`)
  return found
}

interface EventObject {
  readonly reason: string
  readonly message: string
  readonly reportingComponent: string
  readonly involvedObject: { readonly kind: string; readonly name: string }
}

/** Events about objects of this kind, of this reporter. */
export async function eventsOf(
  { api }: Cluster,
  namespace: string,
  { kind, from }: { readonly kind: string; readonly from: string },
): Promise<readonly EventObject[]> {
  const events = await api.list<EventObject>(`/api/v1/namespaces/${namespace}/events`)
  return events.filter(
    ({ involvedObject, reportingComponent }) =>
      involvedObject.kind === kind && reportingComponent === from,
  )
}
