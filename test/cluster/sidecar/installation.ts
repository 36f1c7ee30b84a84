import { stringify } from 'yaml'
import type { Projection } from '#deploy/controller/project.ts'
import { inject } from '#deploy/inject/inject.ts'
import { injectManifest } from '#deploy/inject/manifest.ts'
import { touchedAnnotation } from '#deploy/inject/names.ts'
import { defaultSettings, type InjectSettings } from '#deploy/inject/settings.ts'
import type { Provider } from '../../pair/harness.ts'
import type { Json } from '../api.ts'
import type { Cluster } from '../cluster.ts'
import { until } from '../until.ts'
import { type PlatformConfig, platformConfig, projectionOf } from './platform-config.ts'

const settings: InjectSettings = {
  ...defaultSettings,
  image: `registry.example/outrigger@sha256:${'0'.repeat(64)}`,
}

interface PodStatus {
  readonly metadata: { readonly uid: string }
  readonly status: {
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/** A pod as `/fleet` tells of it. */
interface FleetPod {
  readonly pod: string
  readonly uid: string
  readonly config: string
  readonly version: string
}

/** The platform of one namespace: the ambassador of a provider, and what the controller would write. */
export class Installation {
  readonly namespace: string
  readonly #cluster: Cluster
  readonly #config: PlatformConfig
  #address = ''

  constructor(cluster: Cluster, namespace: string, provider: Provider) {
    this.#cluster = cluster
    this.namespace = namespace
    this.#config = platformConfig(namespace, `http://127.0.0.1:${provider.port}`)
  }

  /** Starts the ambassador `name` as a pod; resolves once it is ready. */
  async startAmbassador(name = 'ambassador'): Promise<void> {
    const data = { 'outrigger.yaml': stringify(this.#config) }
    await this.#cluster.api.create(this.path('configmaps'), {
      metadata: { name: 'outrigger' },
      data,
    })
    const probe = { httpGet: { path: '/readyz', port: 4_101 }, periodSeconds: 1 }
    await this.createPod(name, {
      volumes: [{ name: 'config', configMap: { name: 'outrigger' } }],
      containers: [
        {
          name: 'ambassador',
          image: 'ambassador',
          args: [
            '--provider',
            'pool',
            '--config',
            '/etc/outrigger/outrigger.yaml',
            '--service-account',
            '/var/run/secrets/kubernetes.io/serviceaccount',
          ],
          volumeMounts: [{ name: 'config', mountPath: '/etc/outrigger' }],
          readinessProbe: probe,
        },
      ],
    })
    await this.whenReady(name)
    this.#address = (await this.pod(name)).status.podIP ?? ''
  }

  /** What the controller makes of the platform's file for sidecars, with one key of it chosen. */
  projection(deadline = '60s'): Projection {
    return projectionOf(this.#config, this.#address, deadline)
  }

  /** Writes the sidecars' ConfigMap, as the controller does. */
  async distribute(text: string): Promise<void> {
    const metadata = { name: 'outrigger-sidecar', namespace: this.namespace }
    const data = { 'outrigger.yaml': text }
    await this.#cluster.api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  }

  /** Has kubelet look at the pod's volumes at once, as the controller does. */
  async touch(name: string): Promise<void> {
    const annotations = { [touchedAnnotation]: new Date().toISOString() }
    await this.#cluster.api.patch(this.path(`pods/${name}`), { metadata: { annotations } })
  }

  /** Creates a pod with one application, injected as the webhook would. */
  async createInjected(name: string, spec: Json = {}): Promise<void> {
    const annotations = { 'outrigger.dev/inject': 'true' }
    const containers = [{ name: 'application', image: 'application' }]
    const metadata = { name, annotations }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, ...spec } }
    const injection = inject(pod, { name: this.namespace }, settings)
    if (injection.kind !== 'patch') throw new Error(injection.message)
    await this.#cluster.api.create(this.path('pods'), injection.pod)
  }

  /** A manifest as `outrigger inject` gives it. */
  injected(manifest: Json): Json {
    const { manifest: injected } = injectManifest(manifest, { name: this.namespace }, settings)
    return JSON.parse(JSON.stringify(injected))
  }

  async createPod(name: string, spec: Json): Promise<void> {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
    await this.#cluster.api.create(this.path('pods'), pod)
  }

  pod(name: string): Promise<PodStatus> {
    return this.#cluster.api.get<PodStatus>(this.path(`pods/${name}`))
  }

  async whenReady(name: string): Promise<void> {
    await until(`${name} ready`, 60_000, async () => {
      const { conditions = [] } = (await this.pod(name)).status
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    })
  }

  async whenGone(name: string): Promise<void> {
    await until(`${name} gone`, 60_000, async () => {
      const pods = await this.#cluster.api.list(this.path('pods'))
      return pods.every(({ metadata }) => metadata.name !== name)
    })
  }

  /** Has the application of a pod call its sidecar. */
  async call(name: string): Promise<{ readonly status: number; readonly text: string }> {
    return JSON.parse(await this.through(name, 8_080, 'call'))
  }

  /** A page of a pod through the API server's proxy, as the command line reads it. */
  through(name: string, port: number, page: string): Promise<string> {
    return this.#cluster.api.text(this.path(`pods/${name}:${port}/proxy/${page}`))
  }

  /** The pods that the ambassador has heard of. */
  async fleet(name = 'ambassador'): Promise<readonly FleetPod[]> {
    return JSON.parse(await this.through(name, 4_101, 'fleet')).pods
  }

  path(resource: string): string {
    return `/api/v1/namespaces/${this.namespace}/${resource}`
  }
}
