import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterApi } from './api.ts'
import { ApiError } from './api-error.ts'
import type { Play } from './node/container.ts'
import type { Pod } from './node/pod.ts'
import { PodAddresses } from './node/pod-addresses.ts'
import { PodLife } from './node/pod-life.ts'
import { wait } from './node/probes.ts'
import { nodeAddress } from './node/sandbox.ts'
import { until } from './until.ts'

export interface FakeNodeOptions {
  readonly name?: string
  /** Value of `topology.kubernetes.io/zone`. */
  readonly zone?: string
  /** Plays containers by real processes; those it leaves alone just are well. */
  readonly play?: Play
  /** How often volumes are synced where nothing else brings it; kubelet: 60 s and up to half more. */
  readonly syncMs?: number
}

const ownerLabel = 'outrigger.dev/owner'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const addresses = new PodAddresses()

/**
 * A node whose kubelet is this object: pods that are bound to it get addresses of 198.18.0.0/24 and
 * live in kubelet's order. The addresses answer where a test or a process listens on them.
 */
export class FakeNode {
  readonly name: string
  readonly #api: ClusterApi
  readonly #options: FakeNodeOptions
  readonly #directory: string
  readonly #pods = new Map<string, PodLife>()
  readonly #closing = new AbortController()

  constructor(api: ClusterApi, directory: string, options: FakeNodeOptions) {
    this.name = options.name ?? 'node-1'
    this.#api = api
    this.#directory = directory
    this.#options = options
  }

  /** Registers the node; resolves once it is ready and pods can be bound to it. */
  static async start(api: ClusterApi, options: FakeNodeOptions = {}): Promise<FakeNode> {
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-node-'))
    const node = new FakeNode(api, directory, options)
    await removeOthers(api)
    await node.#register()
    void node.#follow()
    void node.#renew()
    void node.#syncNowAndThen()
    return node
  }

  /** The pod's life here: its address, its volumes. Rejects where it is not here within 20 s. */
  life(namespace: string, name: string): Promise<PodLife> {
    return until(`${namespace}/${name} on ${this.name}`, 60_000, async () =>
      [...this.#pods.values()].find(({ pod }) => {
        return pod.metadata.namespace === namespace && pod.metadata.name === name
      }),
    )
  }

  /** Syncs the volumes of all pods at once, as kubelet does within 90 s. */
  async sync(tokens: 'due tokens' | 'all tokens' = 'due tokens'): Promise<void> {
    // One pod whose Secret is gone, and no other, keeps its files.
    await Promise.allSettled(
      [...this.#pods.values()].map((life) => life.volumes.sync(life.pod, tokens)),
    )
  }

  /** Kills what runs and takes the node out of the cluster. */
  async close(): Promise<void> {
    this.#closing.abort()
    const lives = [...this.#pods.values()]
    for (const life of lives) life.kill()
    this.#pods.clear()
    for (const life of lives) {
      addresses.give(life.address)
      await life.forget()
    }
    await this.#api.remove(`/api/v1/nodes/${this.name}`).catch(() => undefined)
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #register(): Promise<void> {
    const { zone = 'zone-a' } = this.#options
    const labels = {
      [ownerLabel]: String(process.pid),
      'kubernetes.io/hostname': this.name,
      'kubernetes.io/os': 'linux',
      'topology.kubernetes.io/zone': zone,
    }
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: this.name, labels } }
    await this.#api.create('/api/v1/nodes', node)
    await this.#beat()
    const size = { cpu: '64', memory: '256Gi', pods: '200', 'ephemeral-storage': '1Ti' }
    const status = {
      capacity: size,
      allocatable: size,
      addresses: [{ type: 'InternalIP', address: nodeAddress }],
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      nodeInfo: { kubeletVersion: 'v1.36.3', operatingSystem: 'linux', architecture: 'amd64' },
    }
    const path = `/api/v1/nodes/${this.name}`
    await this.#api.patch(`${path}/status`, { status }, 'strategic')
    // The taint of a node that is not ready is taken away by the controller manager, if there is one.
    await this.#api.patch(path, { spec: { taints: null } })
  }

  /** Renews the lease as kubelet does, so that the node stays ready. */
  async #renew(): Promise<void> {
    while (await wait(10, this.#closing.signal)) await this.#beat().catch(() => undefined)
  }

  async #beat(): Promise<void> {
    const renewTime = `${new Date().toISOString().slice(0, -1)}000Z`
    const spec = { holderIdentity: this.name, leaseDurationSeconds: 40, renewTime }
    const metadata = { name: this.name, namespace: 'kube-node-lease' }
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }
    const path = `${leases}/${this.name}?fieldManager=node&force=true`
    await this.#api.patch(path, lease, 'apply')
  }

  async #syncNowAndThen(): Promise<void> {
    const { syncMs } = this.#options
    const seconds = () => (syncMs === undefined ? 60 + 30 * Math.random() : syncMs / 1_000)
    while (await wait(seconds(), this.#closing.signal)) await this.sync()
  }

  /** Watches the pods bound here; lists anew whenever the watch ends. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal)
      } catch {
        // The API server is away, which pods survive.
        await wait(0.5, signal)
      }
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const path = `/api/v1/pods?fieldSelector=spec.nodeName=${this.name}`
    type List = { items: readonly Pod[]; metadata: { resourceVersion: string } }
    const { items, metadata } = await this.#api.get<List>(path)
    this.#keepOnly(new Set(items.map((pod) => pod.metadata.uid)))
    for (const pod of items) this.#see(pod)
    const from = `resourceVersion=${metadata.resourceVersion}&timeoutSeconds=60`
    for await (const { type, object } of this.#api.watch<Pod>(`${path}&${from}`, signal)) {
      if (type === 'ADDED' || type === 'MODIFIED') this.#see(object)
      if (type === 'DELETED') this.#drop(object.metadata.uid)
      if (type === 'ERROR') return
    }
  }

  #see(pod: Pod): void {
    const { uid = '', deletionTimestamp, deletionGracePeriodSeconds = 30 } = pod.metadata
    const known = this.#pods.get(uid)
    if (deletionTimestamp !== undefined) {
      // A pod of a life before this one has nothing that could end.
      const life = known ?? this.#admit(pod)
      life.terminate(deletionGracePeriodSeconds).catch(() => undefined)
    } else if (known !== undefined) {
      known.change(pod).catch(() => undefined)
    } else {
      this.#admit(pod).run().catch(complain)
    }
  }

  #admit(pod: Pod): PodLife {
    const { uid = '' } = pod.metadata
    const { play = () => undefined } = this.#options
    const directory = join(this.#directory, uid)
    const life = new PodLife(pod, { api: this.#api, address: addresses.take(), directory, play })
    this.#pods.set(uid, life)
    return life
  }

  /** It is gone from the API server: after its termination, or by force. */
  #drop(uid = ''): void {
    const life = this.#pods.get(uid)
    if (life === undefined) return
    this.#pods.delete(uid)
    life.kill()
    addresses.give(life.address)
    life.forget().catch(complain)
  }

  #keepOnly(uids: ReadonlySet<string | undefined>): void {
    for (const uid of this.#pods.keys()) if (!uids.has(uid)) this.#drop(uid)
  }
}

/** Nodes of test files that ended without closing theirs: nobody runs the pods bound to them. */
async function removeOthers(api: ClusterApi): Promise<void> {
  const nodes = await api.list(`/api/v1/nodes?labelSelector=${ownerLabel}`)
  for (const { metadata } of nodes) {
    if (metadata.labels?.[ownerLabel] === String(process.pid)) continue
    await api.remove(`/api/v1/nodes/${metadata.name}`).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    })
  }
}

function complain(error: unknown): void {
  process.stderr.write(`fake node: ${String(error)}\n`)
}
