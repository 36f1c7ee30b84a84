import { join } from 'node:path'
import { policies } from '#deploy/inject/policies.ts'
import type { KubernetesObject } from '../api.ts'
import { ApiError } from '../api-error.ts'
import type { Cluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import type { Play } from '../node/container.ts'
import { type ContainerProcess, startProcess } from '../node/container-process.ts'
import { until } from '../until.ts'
import { chartRoles } from './chart.ts'
import { manifests, type ProcessName, probesPorts } from './manifests.ts'
import { image, platformText, systemNamespace } from './names.ts'

export interface StageOptions {
  /** Further arguments of both controllers. */
  readonly controller?: readonly string[]
  /** What the chart's `controller.touch` allows. */
  readonly touch?: 'pods' | 'nothing'
  /** Webhooks; 2 unless given. */
  readonly webhooks?: number
  /** Plays what is none of ours. */
  readonly play?: Play
  /** How often kubelet looks at volumes. */
  readonly syncMs?: number
  /** `applied` unless given: ConfigMap outrigger is there, and valid. */
  readonly configuration?: 'applied' | 'absent'
}

interface Player {
  readonly name: ProcessName
  readonly pod: string
  readonly address: string
  readonly process: ContainerProcess
}

const directory = join(import.meta.dirname, '../../../deploy')
const base = `/api/v1/namespaces/${systemNamespace}`
const deployments = `/apis/apps/v1/namespaces/${systemNamespace}/deployments`

/**
 * Outrigger installed in the suite's cluster: webhooks and controllers are processes of this tree in
 * pods of the fake node, each with the token of its own ServiceAccount and what the chart allows it.
 */
export class Stage {
  readonly node: FakeNode
  readonly #cluster: Cluster
  readonly #players: Player[]
  readonly #objects: KubernetesObject[] = []

  private constructor(parts: { cluster: Cluster; node: FakeNode; players: Player[] }) {
    this.node = parts.node
    this.#cluster = parts.cluster
    this.#players = parts.players
  }

  /** Resolves once pods that ask for it are given their sidecar. */
  static async open(cluster: Cluster, options: StageOptions = {}): Promise<Stage> {
    const { api } = cluster
    await openSystemNamespace(cluster)
    const players: Player[] = []
    const { syncMs } = options
    const node = await FakeNode.start(api, {
      play: playing(players, options.play),
      ...(syncMs === undefined ? {} : { syncMs }),
    })
    const stage = new Stage({ cluster, node, players })
    try {
      await stage.#install(options)
      return stage
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  /** Processes of this name that run, the oldest first. */
  players(name: ProcessName): readonly Player[] {
    return this.#players.filter((player) => player.name === name)
  }

  /** Applies ConfigMap `outrigger` as a platform engineer does. */
  configure(text: string, query = ''): Promise<KubernetesObject> {
    const labels = { 'outrigger.dev/config': 'true' }
    const metadata = { name: 'outrigger', namespace: systemNamespace, labels }
    const data = { 'outrigger.yaml': text }
    return this.#cluster.api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, query)
  }

  /** The pod whose controller leads, as the Lease has it. */
  async leader(): Promise<string> {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases`
    type Lease = { spec: { holderIdentity?: string } }
    const { spec } = await this.#cluster.api.get<Lease>(`${leases}/outrigger-controller`)
    return spec.holderIdentity ?? ''
  }

  /** Sum of a metric's samples whose line begins with `sample`, over all replicas. */
  async metric(name: ProcessName, sample: string): Promise<number> {
    let sum = 0
    for (const { address } of this.players(name)) {
      const answer = await fetch(`http://${address}:${probesPorts[name]}/metrics`)
      for (const line of (await answer.text()).split('\n')) {
        if (line.startsWith(sample)) sum += Number(line.split(' ').at(-1))
      }
    }
    return sum
  }

  /** Resolves once as many are there as wanted, and the API server may call each of them. */
  async scale(name: ProcessName, replicas: number): Promise<void> {
    const path = `${deployments}/outrigger-${name}`
    await this.#cluster.api.patch(path, { spec: { replicas } })
    await this.whenReady(name, replicas)
  }

  whenReady(name: ProcessName, replicas: number): Promise<unknown> {
    const label = `labelSelector=kubernetes.io/service-name=outrigger-${name}`
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${systemNamespace}/endpointslices?${label}`
    type Slice = { endpoints: readonly { conditions: { ready?: boolean } }[] | null }
    type Deployment = { status: { readyReplicas?: number; replicas?: number } }
    return until(`${replicas} of ${name}`, 60_000, async () => {
      const { api } = this.#cluster
      const { status } = await api.get<Deployment>(`${deployments}/outrigger-${name}`)
      const isScaled =
        (status.readyReplicas ?? 0) === replicas && (status.replicas ?? 0) === replicas
      if (!isScaled || this.players(name).length !== replicas) return false
      if (name === 'controller') return true
      const endpoints = (await api.list<Slice>(slices)).flatMap((slice) => slice.endpoints ?? [])
      if (endpoints.filter(({ conditions }) => conditions.ready).length !== replicas) return false
      return endpoints.length === replicas && (replicas === 0 || this.#isInForce())
    })
  }

  /** Takes everything away, and waits for the namespace to be gone. */
  async close(): Promise<void> {
    const { api } = this.#cluster
    try {
      for (const object of this.#objects) {
        if (object.metadata.namespace !== undefined) continue
        await api.remove(await api.pathOf({ ...object })).catch(ignoreAbsent)
      }
      await removeSystemNamespace(this.#cluster)
    } finally {
      // Whatever was in the way: a node that goes on keeps its file from ending.
      await this.node.close()
    }
  }

  async #install(options: StageOptions): Promise<void> {
    const { controller = [], touch = 'nothing', webhooks = 2, configuration } = options
    const objects = [
      ...(await chartRoles(touch)),
      ...policies({ namespace: systemNamespace, service: 'outrigger-webhook' }),
      ...manifests(webhooks, controller),
    ]
    for (const object of objects) this.#objects.push(await this.#cluster.api.apply(object))
    if (configuration !== 'absent') await this.configure(platformText())
    await this.whenReady('controller', 2)
    await this.whenReady('webhook', webhooks)
  }

  /** Configurations are in force soon after they are written, not at once. */
  async #isInForce(): Promise<boolean> {
    const { api } = this.#cluster
    const metadata = { generateName: 'try-', annotations: { 'outrigger.dev/inject': 'true' } }
    const spec = { containers: [{ name: 'app', image: 'app' }] }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec }
    type Pod = { spec: { initContainers?: readonly object[] } }
    const tried = await api.create<Pod>('/api/v1/namespaces/default/pods?dryRun=All', pod)
    return tried.spec.initContainers?.length === 1
  }
}

function isProcessName(name: string): name is ProcessName {
  return name === 'webhook' || name === 'controller'
}

function playing(players: Player[], others: Play = () => undefined): Play {
  return (start) => {
    const { name } = start.spec
    if (start.spec.image !== image || !isProcessName(name)) return others(start)
    const entry = join(directory, name, 'main.ts')
    const child = startProcess(start, process.execPath, [entry, ...start.args])
    const { address } = start
    const player = { name, pod: start.pod.metadata.name, address, process: child }
    players.push(player)
    void child.exited.then(() => players.splice(players.indexOf(player), 1))
    return child
  }
}

/** An empty `outrigger-system`: nothing of a file before this one is left, however that one ended. */
export async function openSystemNamespace(cluster: Cluster): Promise<void> {
  await removeSystemNamespace(cluster)
  const metadata = { name: systemNamespace }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata }
  await cluster.api.create('/api/v1/namespaces', namespace)
}

/** Resolves once it is gone. */
export async function removeSystemNamespace({ api }: Cluster): Promise<void> {
  const path = `/api/v1/namespaces/${systemNamespace}`
  await api.remove(path).catch(ignoreAbsent)
  await until(`the end of ${systemNamespace}`, 90_000, async () => {
    const namespaces = await api.list('/api/v1/namespaces')
    if (namespaces.every(({ metadata }) => metadata.name !== systemNamespace)) return true
    for (const { metadata } of await api.list(`${base}/pods`)) {
      const options = { gracePeriodSeconds: 0 }
      await api.remove(`${base}/pods/${metadata.name}`, options).catch(ignoreAbsent)
    }
    return false
  })
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 404)) throw error
}
