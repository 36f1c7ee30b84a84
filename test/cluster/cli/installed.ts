import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Ran, runCli } from '../../cli/run-cli.ts'
import type { Json } from '../api.ts'
import { type Cluster, openCluster } from '../cluster.ts'
import type { Play } from '../node/container.ts'
import { startInPod, startProcess } from '../node/container-process.ts'
import { systemNamespace } from '../stage/names.ts'
import { container } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'
import { resolving } from './names.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const deployments = `/apis/apps/v1/namespaces/${systemNamespace}/deployments`
const ambassadorName = 'ambassador-openai'
const host = `${ambassadorName}.${systemNamespace}`

/** An installation of the file's own cluster that ends with it; none where the machine lacks `skip`. */
export async function openInstalled() {
  const cluster = await openCluster()
  const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
  const installed = skip === false ? await Installed.open(cluster) : undefined
  after(async () => {
    await installed?.close()
    await cluster.close()
  })
  const installation = (): Installed => {
    assert.ok(installed)
    return installed
  }
  return { cluster, skip, installation }
}

/** A whole installation (its one provider is called as the chart's roles of the stage want it), an application with a sidecar, and a user with a kubeconfig. */
export class Installed {
  readonly stage: Stage
  readonly namespace: string
  readonly #cluster: Cluster
  readonly #directory: string

  private constructor(parts: {
    cluster: Cluster
    stage: Stage
    namespace: string
    directory: string
  }) {
    this.#cluster = parts.cluster
    this.stage = parts.stage
    this.namespace = parts.namespace
    this.#directory = parts.directory
  }

  /** Resolves once the application's sidecar has been heard of. */
  static async open(cluster: Cluster): Promise<Installed> {
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-cli-'))
    const stage = await Stage.open(cluster, {
      configuration: 'absent',
      syncMs: 60_000,
      play: playing(join(directory, 'address')),
    })
    const namespace = await cluster.namespace('cli')
    const installed = new Installed({ cluster, stage, namespace, directory })
    await writeFile(installed.kubeconfigFile, cluster.kubeconfig())
    await installed.#install()
    return installed
  }

  get kubeconfigFile(): string {
    return join(this.#directory, 'kubeconfig')
  }

  /** The platform's file; `deadline` tells one version from another. */
  platformText(deadline: string): string {
    return `
models: { assistant: { targets: [{ provider: openai, model: m }] } }
sidecar: { deadline: ${deadline} }
ambassador: { identity: { kind: kubernetes }, drain: { delay: 0, grace: 1s } }
tenants: { cli: { workloads: [{ namespace: ${this.namespace} }] } }
providers:
  openai:
    kind: vllm
    address: ['${host}:4100']
    replicas: { addresses: ['http://198.18.0.253:9'] }
`
  }

  /** `outrigger …` by this user's kubeconfig, or by another where one is given. */
  run(...args: readonly string[]): Promise<Ran> {
    return this.pipe('', ...args)
  }

  /** The same with something on standard input. */
  pipe(input: string, ...args: readonly string[]): Promise<Ran> {
    const own = args.includes('--kubeconfig') ? [] : ['--kubeconfig', this.kubeconfigFile]
    return runCli([...args, ...own], { input })
  }

  async file(name: string, text: string): Promise<string> {
    const path = join(this.#directory, name)
    await writeFile(path, text)
    return path
  }

  /** How many of the ambassador's pods are ready, once they are as many. */
  async scaleAmbassador(replicas: number): Promise<void> {
    await this.#cluster.api.patch(`${deployments}/${ambassadorName}`, { spec: { replicas } })
    type Deployment = { status: { readyReplicas?: number } }
    await until(`${replicas} ambassadors`, 60_000, async () => {
      const path = `${deployments}/${ambassadorName}`
      const { status } = await this.#cluster.api.get<Deployment>(path)
      return (status.readyReplicas ?? 0) === replicas
    })
  }

  async close(): Promise<void> {
    await this.stage.close()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #install(): Promise<void> {
    const { api } = this.#cluster
    await this.stage.configure(this.platformText('10m'))
    const metadata = { name: ambassadorName, namespace: systemNamespace }
    await api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    await api.apply(ambassador(metadata))
    await this.scaleAmbassador(1)
    type Pod = { status: { podIP: string } }
    const pods = `/api/v1/namespaces/${systemNamespace}/pods?labelSelector=app=${ambassadorName}`
    const [ready] = await api.list<Pod>(pods)
    await this.file('address', ready?.status.podIP ?? '')
    await api.apply(application(this.namespace))
    await until('the sidecar heard of, and the newest file everywhere', 90_000, async () => {
      const { exit } = await this.run('config', 'status')
      if (exit !== 0) await this.stage.node.sync()
      return exit === 0
    })
  }
}

/** Sidecars find the ambassador at the address in `file`. */
function playing(file: string): Play {
  return (start) => {
    const { args, address, spec } = start
    const entry = (half: string) => join(root, half, 'main.ts')
    if (spec.name === 'outrigger-sidecar') {
      const flags = [...resolving(host, file), entry('sidecar')]
      return startInPod(start, process.execPath, [...flags, ...args])
    }
    if (spec.name !== 'ambassador') return undefined
    const places = ['--host', address, '--probes-host', address, '--admin-port', '0']
    return startProcess(start, process.execPath, [entry('ambassador'), ...args, ...places])
  }
}

function ambassador(metadata: Json): Json {
  const labels = { app: ambassadorName }
  const spec = {
    serviceAccountName: ambassadorName,
    terminationGracePeriodSeconds: 2,
    volumes: [
      { name: 'config', configMap: { name: 'outrigger' } },
      { name: 'tls', secret: { secretName: `${ambassadorName}-tls` } },
    ],
    containers: [
      {
        name: 'ambassador',
        image: 'ambassador',
        args: [
          ['--provider', 'openai', '--config', '/etc/outrigger/outrigger.yaml'],
          ['--tls', '/etc/outrigger-tls'],
          ['--service-account', '/var/run/secrets/kubernetes.io/serviceaccount'],
        ].flat(),
        volumeMounts: [
          { name: 'config', mountPath: '/etc/outrigger' },
          { name: 'tls', mountPath: '/etc/outrigger-tls' },
        ],
        readinessProbe: { httpGet: { path: '/readyz', port: 4_101 }, periodSeconds: 1 },
      },
    ],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  }
}

/** A Deployment whose pods ask by annotation, or say nothing. */
export function application(
  namespace: string,
  name = 'web',
  says: 'asks' | 'silent' = 'asks',
): Json {
  const labels = { app: name }
  const asked = says === 'asks' ? { annotations: { 'outrigger.dev/inject': 'true' } } : {}
  const template = { metadata: { labels, ...asked }, spec: { containers: [container()] } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  }
}
