import { makeAuthority, makeLeaf } from '#deploy/certificates/x509.ts'
import type { ClusterApi } from '#deploy/cli/cluster/cluster.ts'
import { handoutIn } from '#deploy/controller/distribute.ts'
import { project } from '#deploy/controller/project.ts'
import { inject } from '#deploy/inject/inject.ts'
import { policies } from '#deploy/inject/policies.ts'
import { defaultSettings } from '#deploy/inject/settings.ts'
import { textHash } from '#shared/config/snapshot.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { isKubernetesObject, type KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { version } from '#shared/lifecycle/version.ts'

export const platformText = `models: { assistant: { targets: [{ provider: openai, model: gpt-5 }] } }
sidecar: { deadline: 10m }
ambassador: { identity: { kind: kubernetes } }
providers:
  openai:
    kind: openai
    credentials: [{ name: main, secret: OPENAI_KEY }]
`
export const image = `registry.example/outrigger@sha256:${'a'.repeat(64)}`
export const wallMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const system = 'outrigger-system'
const projected = project(platformText, { transport: 'tls' })
if (!projected.ok) throw new Error('the configuration of these tests is not valid')
/** What sidecars should run. */
export const sidecarsHash = projected.projection.hash

const validity = { from: wallMs - dayMs, until: wallMs + 300 * dayMs }
const authority = await makeAuthority('outrigger authority', validity)
const leaf = await makeLeaf(authority, {
  names: ['outrigger-webhook.outrigger-system.svc'],
  validity,
})
export const stranger = await makeAuthority('somebody else', validity)
export const encoded = (text: string) => Buffer.from(text).toString('base64')

/** An API server of a few objects; a test breaks one thing of it. */
export interface ScriptedCluster {
  /** By path. */
  readonly objects: Map<string, KubernetesObject>
  /** Pages and other answers that are no objects, by path; a number is a refusal with that status. */
  readonly pages: Map<string, string | number>
  /** What a review of access answers; true unless a test says otherwise. */
  allows: (attributes: Readonly<Record<string, unknown>>) => boolean
  /** What a dry run of a pod becomes. */
  admit: (pod: KubernetesObject) => KubernetesObject
  /** Paths of what was patched. */
  readonly patched: string[]
  readonly api: ClusterApi
}

function object(value: unknown): KubernetesObject {
  if (isKubernetesObject(value)) return value
  throw new Error('a test has made what is no object')
}

/** Everything that `outrigger check` wants. */
export function healthyCluster(): ScriptedCluster {
  const objects = new Map<string, KubernetesObject>()
  const pages = new Map<string, string | number>()
  const cluster: ScriptedCluster = {
    objects,
    pages,
    allows: () => true,
    admit: (pod) => injected(pod),
    patched: [],
    api: {
      get: async (path) => objects.get(path) ?? refuse(404, path),
      text: async (path) => {
        const page = pages.get(path)
        return typeof page === 'string' ? page : refuse(page ?? 404, path)
      },
      list: async (path, query = {}) => {
        const refused = pages.get(`list ${path}`)
        if (typeof refused === 'number') return refuse(refused, path)
        return { items: listed(objects, path, query), resourceVersion: '1' }
      },
      create: async (path, body) => {
        if (path.endsWith('/pods')) return cluster.admit(object(body))
        const spec = Object(body['spec'])
        const asked = { ...spec.resourceAttributes, ...spec.nonResourceAttributes, user: spec.user }
        return { metadata: {}, status: { allowed: cluster.allows(asked) } }
      },
      patch: async (path) => {
        cluster.patched.push(path)
        return objects.get(path) ?? refuse(404, path)
      },
    },
  }
  fill(cluster)
  return cluster
}

function refuse(status: number, path: string): never {
  const reason = status === 503 ? 'ServiceUnavailable' : status === 0 ? 'Unreachable' : 'Refused'
  throw new KubernetesError(`Cannot GET ${path}: the server answered ${status}`, { status, reason })
}

/** By path and by the two selectors that the command line uses. */
function listed(
  objects: ReadonlyMap<string, KubernetesObject>,
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): KubernetesObject[] {
  const [, base = '', collection = ''] = /^(.*?)\/([^/]+)$/.exec(path) ?? []
  const within = new RegExp(`^${base}(?:/namespaces/[^/]+)?/${collection}/[^/]+$`)
  return [...objects]
    .filter(([at]) => within.test(at))
    .map(([, one]) => one)
    .filter(({ metadata }) => {
      const [label = '', value] = String(query['labelSelector'] ?? '').split('=')
      const name = /metadata\.name=(.*)/.exec(String(query['fieldSelector'] ?? ''))?.[1]
      const isLabelled = label === '' || metadata.labels?.[label] === value
      return isLabelled && (name === undefined || metadata.name === name)
    })
}

function fill({ objects, pages }: ScriptedCluster): void {
  pages.set('/version', JSON.stringify({ gitVersion: 'v1.36.3' }))
  pages.set('/openid/v1/jwks', JSON.stringify({ keys: [{ kid: 'one' }] }))
  const served = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']
  const resources = [...served, 'validatingadmissionpolicies'].map((name) => ({ name }))
  pages.set('/apis/admissionregistration.k8s.io/v1', JSON.stringify({ resources }))
  const nodeInfo = { kubeletVersion: 'v1.36.3' }
  objects.set('/api/v1/nodes/one', object({ metadata: { name: 'one' }, status: { nodeInfo } }))
  for (const name of [system, 'search', 'default']) {
    objects.set(`/api/v1/namespaces/${name}`, object({ metadata: { name } }))
  }
  const caBundle = encoded(authority.certificate)
  for (const policy of policies({ namespace: system, service: 'outrigger-webhook', caBundle })) {
    const plural = `${String(policy['kind']).toLowerCase().replace(/y$/, 'ie')}s`
    const name = String(Object(policy['metadata']).name)
    objects.set(`/apis/admissionregistration.k8s.io/v1/${plural}/${name}`, object(policy))
  }
  const data = { 'tls.crt': encoded(leaf.certificate) }
  secretAt(objects, 'outrigger-webhook-tls', data)
  mapAt(objects, 'outrigger', { 'outrigger.yaml': platformText })
  mapAt(objects, 'outrigger-inject', { 'inject.yaml': `image: ${image}\n` })
  distribute(objects)
  const spec = {
    holderIdentity: 'outrigger-controller-1',
    renewTime: new Date(wallMs).toISOString(),
  }
  const lease = object({ metadata: { name: 'outrigger-controller' }, spec })
  objects.set(
    `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/outrigger-controller`,
    lease,
  )
  component({ objects, pages }, 'outrigger-controller', 10_261)
  component({ objects, pages }, 'outrigger-webhook', 10_251)
  component({ objects, pages }, 'ambassador-openai', 4_101)
  pages.set(proxied('outrigger-controller-1', 10_261, '/metrics'), controllerMetrics())
  podAt(objects, injectedPod('web-1'))
  for (const at of ['1', '2']) {
    pages.set(proxied(`ambassador-openai-${at}`, 4_101, '/readyz/provider'), 'ready\n')
    hear({ pages }, at, [heard('web-1')])
  }
}

/** What the controller says of itself. */
export function controllerMetrics(authorityDays = 200, leafDays = 20): string {
  const end = (days: number) => (wallMs + days * dayMs) / 1_000 + 60
  const name = 'outrigger_controller_certificate_expiry_timestamp_seconds'
  return `# HELP x
outrigger_controller_turns_total{result="done"} 7
outrigger_controller_turns_total{result="failed"} 1
outrigger_controller_configuration_valid 1
${name}{secret="outrigger-ca"} ${end(authorityDays)}
${name}{secret="outrigger-webhook-tls"} ${end(leafDays)}
${name}{secret="ambassador-openai-tls"} ${end(leafDays)}
`
}

export const proxied = (pod: string, port: number, page: string) =>
  `/api/v1/namespaces/${system}/pods/${pod}:${port}/proxy${page}`

/** One pod as an ambassador heard of it. */
export function heard(name: string, config = sidecarsHash, ageMs = 5_000) {
  return { pod: `search/${name}`, uid: `uid-${name}`, config, version, ageMs }
}

/** Lets one ambassador's pod have heard of these. */
export function hear(
  { pages }: Pick<ScriptedCluster, 'pages'>,
  ambassador: string,
  pods: readonly ReturnType<typeof heard>[],
): void {
  const page = { provider: 'openai', hash: textHash(platformText), pods }
  const path = proxied(`ambassador-openai-${ambassador}`, 4_101, '/fleet')
  pages.set(path, JSON.stringify(page))
}

export const settings = { ...defaultSettings, image }

/** A pod that asked, as the webhook gives it; it runs. */
export function injectedPod(name: string, by = settings): KubernetesObject {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'search',
      uid: `uid-${name}`,
      labels: { 'pod-template-hash': '6d4f' },
      annotations: { 'outrigger.dev/inject': 'true' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-6d4f', controller: true }],
    },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      initContainerStatuses: [{ name: 'outrigger-sidecar', started: true }],
    },
  }
  return injected(object(pod), by)
}

function injected(pod: KubernetesObject, by = settings): KubernetesObject {
  const injection = inject(pod, { name: 'search' }, by)
  if (injection.kind !== 'patch') throw new Error(injection.message)
  return object(injection.pod)
}

/** Puts a pod where the API server has it. */
export function podAt(objects: Map<string, KubernetesObject>, pod: KubernetesObject): void {
  const { namespace, name } = pod.metadata
  objects.set(`/api/v1/namespaces/${namespace}/pods/${name}`, pod)
}

/** Gives namespace `search` and Outrigger's own a part of the configuration. */
export function distribute(
  objects: Map<string, KubernetesObject>,
  text = platformText,
  authorities = authority.certificate,
): void {
  const made = project(text, { transport: 'tls' })
  if (!made.ok) throw new Error('not valid')
  for (const namespace of ['search', system]) {
    const map = handoutIn(namespace, { projection: made.projection, authorities })
    objects.set(`/api/v1/namespaces/${namespace}/configmaps/outrigger-sidecar`, map)
  }
}

export function mapAt(
  objects: Map<string, KubernetesObject>,
  name: string,
  data: Readonly<Record<string, string>>,
): void {
  const map = object({ metadata: { name, namespace: system }, data })
  objects.set(`/api/v1/namespaces/${system}/configmaps/${name}`, map)
}

function secretAt(objects: Map<string, KubernetesObject>, name: string, data: object): void {
  const secret = object({ metadata: { name, namespace: system }, data })
  objects.set(`/api/v1/namespaces/${system}/secrets/${name}`, secret)
}

function component(
  { objects, pages }: Pick<ScriptedCluster, 'objects' | 'pages'>,
  name: string,
  port: number,
): void {
  const labels = { app: name }
  const containers = [{ name, image }]
  const deployment = {
    metadata: { name, namespace: system },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { spec: { containers } } },
    status: { readyReplicas: 2 },
  }
  objects.set(`/apis/apps/v1/namespaces/${system}/deployments/${name}`, object(deployment))
  for (const at of [1, 2]) {
    const pod = {
      metadata: { name: `${name}-${at}`, namespace: system, uid: `uid-${name}-${at}`, labels },
      spec: { serviceAccountName: name, containers },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    }
    podAt(objects, object(pod))
    pages.set(proxied(`${name}-${at}`, port, '/livez'), 'alive\n')
  }
}
