import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Projection } from '#deploy/controller/project.ts'
import { commandOf, places } from '#deploy/image/processes.ts'
import { inject } from '#deploy/inject/inject.ts'
import { injectManifest } from '#deploy/inject/manifest.ts'
import { touchedAnnotation } from '#deploy/inject/names.ts'
import { defaultSettings, type InjectSettings } from '#deploy/inject/settings.ts'
import type { Json } from '../cluster/api.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { nodeAddress } from '../cluster/node/sandbox.ts'
import {
  type PlatformConfig,
  platformConfig,
  projectionOf,
} from '../cluster/sidecar/platform-config.ts'
import { container } from '../cluster/stage/pods.ts'
import { until } from '../cluster/until.ts'
import { readFacts } from './facts.ts'
import { RealPod } from './real-pod.ts'

/** A pod as `/fleet` tells of it. */
export interface FleetPod {
  readonly pod: string
  readonly config: string
  readonly version: string
}

export interface InjectedOptions {
  /** Further members of the pod's spec, and of its application. */
  readonly spec?: Json
  readonly members?: Json
  /** Of the sidecar, instead of its own. */
  readonly command?: readonly string[]
}

const applicationFile = join(import.meta.dirname, '..', 'cluster', 'sidecar', 'application.ts')
const annotations = { 'outrigger.dev/inject': 'true' }

/** Outrigger in one namespace under Pod Security `restricted`, all of it from the assembled image. */
export class Platform {
  readonly namespace: string
  readonly #cluster: Cluster
  readonly #config: PlatformConfig
  readonly #settings: InjectSettings
  #ambassador = ''

  private constructor(cluster: Cluster, namespace: string, provider: string) {
    this.#cluster = cluster
    this.namespace = namespace
    this.#settings = { ...defaultSettings, image: readFacts().image }
    this.#config = platformConfig(namespace, provider)
  }

  /** The ambassador runs, and sidecars are told where; `provider` is an address pods can reach. */
  static async open(cluster: Cluster, provider: string): Promise<Platform> {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    const namespace = await cluster.namespace('search', labels)
    const platform = new Platform(cluster, namespace, provider)
    await platform.#writeFiles('application', {
      'application.ts': readFileSync(applicationFile, 'utf8'),
    })
    await platform.#writeFiles('outrigger', { 'outrigger.yaml': stringify(platform.#config) })
    await platform.#startAmbassador()
    await platform.distribute(platform.projection().text)
    return platform
  }

  /** What the controller makes of the platform's file for sidecars, with one key of it chosen. */
  projection(deadline = '60s'): Projection {
    return projectionOf(this.#config, this.#ambassador, deadline)
  }

  /** Writes the sidecars' ConfigMap, as the controller does. */
  distribute(text: string): Promise<void> {
    return this.#writeFiles('outrigger-sidecar', { 'outrigger.yaml': text })
  }

  /** Has kubelet look at the pod's volumes at once, as the controller does. */
  async touch({ path }: RealPod): Promise<void> {
    const touched = { [touchedAnnotation]: new Date().toISOString() }
    await this.#cluster.api.patch(path, { metadata: { annotations: touched } })
  }

  /** Creates a pod with one application, which the image's own Node runs. */
  async createInjected(name: string, options: InjectedOptions = {}): Promise<RealPod> {
    const { spec = {}, members = {}, command = this.#settings.command } = options
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations },
      spec: { ...this.#application(members), ...spec },
    }
    const injection = inject(pod, { name: this.namespace }, { ...this.#settings, command })
    if (injection.kind !== 'patch') throw new Error(injection.message)
    await this.#cluster.api.create(this.path('pods'), injection.pod)
    return this.pod(name)
  }

  /** Creates a Deployment of one as `outrigger inject` gives it; resolves with its pod, Ready. */
  async deploy(name: string): Promise<RealPod> {
    const labels = { app: name }
    await this.#create('/apis/apps/v1', 'deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: this.namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels, annotations }, spec: this.#application() },
      },
    })
    return this.podOf(`app=${name}`)
  }

  /** Creates a Job whose application ends after its first call. */
  async startJob(name: string): Promise<string> {
    const application = this.#application({ args: ['/application/application.ts', '--once'] })
    await this.#create('/apis/batch/v1', 'jobs', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: this.namespace },
      spec: {
        backoffLimit: 0,
        template: { metadata: { annotations }, spec: { ...application, restartPolicy: 'Never' } },
      },
    })
    return `/apis/batch/v1/namespaces/${this.namespace}/jobs/${name}`
  }

  pod(name: string): RealPod {
    return new RealPod(this.#cluster.api, this.namespace, name)
  }

  /** The one pod that has these labels, once there is one. */
  async podOf(labels: string): Promise<RealPod> {
    const found = await until(`a pod of ${labels}`, 30_000, async () => {
      const query = `labelSelector=${encodeURIComponent(labels)}`
      return (await this.#cluster.api.list(this.path(`pods?${query}`)))[0]
    })
    return this.pod(found.metadata.name)
  }

  /** Has the application of a pod call its sidecar. */
  async call({ name }: RealPod): Promise<{ readonly status: number; readonly text: string }> {
    return JSON.parse(await this.through(name, 8_080, 'call'))
  }

  /** A page of a pod through the API server's proxy. */
  through(name: string, port: number, page: string): Promise<string> {
    return this.#cluster.api.text(this.path(`pods/${name}:${port}/proxy/${page}`))
  }

  /** The pods that the ambassador has heard of. */
  async fleet(): Promise<readonly FleetPod[]> {
    return JSON.parse(await this.through('ambassador', 4_101, 'fleet')).pods
  }

  path(resource: string): string {
    return `/api/v1/namespaces/${this.namespace}/${resource}`
  }

  #application(members: Json = {}): Json {
    const application = container('application', {
      image: this.#settings.image,
      command: [places.node],
      args: ['/application/application.ts'],
      volumeMounts: [{ name: 'application', mountPath: '/application' }],
      ...members,
    })
    const volumes = [{ name: 'application', configMap: { name: 'application' } }]
    return { containers: [application], volumes }
  }

  async #startAmbassador(): Promise<void> {
    const { port } = new URL(this.#cluster.api.server)
    const place = ['--config', '/etc/outrigger/outrigger.yaml']
    const account = ['--service-account', '/var/run/secrets/kubernetes.io/serviceaccount']
    const ambassador = container('ambassador', {
      image: this.#settings.image,
      command: commandOf('ambassador'),
      args: ['--provider', 'pool', ...place, ...account],
      // There is no kube-proxy that would bring it to the address of Service kubernetes.
      env: [
        { name: 'KUBERNETES_SERVICE_HOST', value: nodeAddress },
        { name: 'KUBERNETES_SERVICE_PORT', value: port },
        { name: 'KUBERNETES_SERVICE_PORT_HTTPS', value: port },
      ],
      volumeMounts: [{ name: 'config', mountPath: '/etc/outrigger' }],
      readinessProbe: { httpGet: { path: '/readyz', port: 4_101 }, periodSeconds: 1 },
    })
    const volumes = [{ name: 'config', configMap: { name: 'outrigger' } }]
    const spec = { containers: [ambassador], volumes }
    const metadata = { name: 'ambassador' }
    const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec }
    await this.#cluster.api.create(this.path('pods'), object)
    const pod = this.pod('ambassador')
    await pod.whenReady()
    this.#ambassador = await pod.address()
  }

  async #create(group: string, resource: string, manifest: Json): Promise<void> {
    const place = { name: this.namespace }
    const { manifest: injected } = injectManifest(manifest, place, this.#settings)
    const path = `${group}/namespaces/${this.namespace}/${resource}`
    await this.#cluster.api.create(path, JSON.parse(JSON.stringify(injected)))
  }

  async #writeFiles(name: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, namespace: this.namespace }
    await this.#cluster.api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  }
}
