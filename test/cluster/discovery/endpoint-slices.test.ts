import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Discovery } from '#ambassador/pool/discovery/discovery.ts'
import type { DiscoveredReplica } from '#ambassador/pool/discovery/replicas-of.ts'
import { systemClock } from '#shared/call/clock.ts'
import { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { openCluster } from '../cluster.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
after(() => cluster.close())
const namespace = await cluster.namespace('slices')
const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`

function client(token: string): KubernetesApi {
  const { server, ca } = cluster.api
  const access = { server, ca: () => ca, token: () => token }
  const api = new KubernetesApi({ access, clock: systemClock, userAgent: 'outrigger-test' })
  after(() => api.close())
  return api
}
const admin = client(cluster.api.token)

/** Every third endpoint is leaving; of the others half leave their conditions out. */
const isLeaving = (index: number) => index % 3 === 2
function conditionsOf(index: number) {
  if (isLeaving(index)) return { ready: false, serving: true, terminating: true }
  return index % 3 === 0 ? {} : { ready: true }
}

async function write(number: number, addresses: readonly string[]): Promise<void> {
  const labels = {
    'kubernetes.io/service-name': 'vllm',
    'endpointslice.kubernetes.io/managed-by': 'outrigger-test',
  }
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `vllm-${number}`, labels },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8_000, protocol: 'TCP' }],
    endpoints: addresses.map((address, index) => ({
      addresses: [address],
      conditions: conditionsOf(index),
      zone: 'a',
    })),
  }
  const options = { type: 'apply', fieldManager: 'churn', force: true } as const
  await until(`slice ${number} is written`, 60_000, () =>
    admin.patch(`${path}/vllm-${number}`, slice, options),
  )
}

function expected(slices: ReadonlyMap<number, readonly string[]>): DiscoveredReplica[] {
  return [...slices.values()]
    .flatMap((addresses) =>
      addresses.map(
        (address, index): DiscoveredReplica => ({
          origin: `http://${address}:8000`,
          state: isLeaving(index) ? 'leaving' : 'serving',
          zone: 'a',
        }),
      ),
    )
    .toSorted((a, b) => (a.origin < b.origin ? -1 : 1))
}

test('a thousand updates end exact, and an API server killed between empties no pool', async () => {
  const told: (readonly DiscoveredReplica[])[] = []
  const log = { info() {}, warn() {}, error() {} }
  const discovery = new Discovery(
    { api: admin, clock: systemClock, log, onReplicas: (replicas) => told.push(replicas) },
    { namespace, service: 'vllm', port: 'http' },
  )
  after(() => discovery.close())
  const slices = new Map<number, readonly string[]>()
  for (let update = 0; update < 1_000; update++) {
    const number = (update * 7) % 4
    const length = ((update * 13) % 8) + 1
    const base = ((update * 5) % 3) * 60
    const addresses = Array.from({ length }, (_, at) => `198.18.${number}.${base + at + 1}`)
    await write(number, addresses)
    slices.set(number, addresses)
    if (update === 400) await killAndStart(discovery)
  }
  await until('the replicas are those of the slices', 60_000, async () => {
    assert.deepEqual(told.at(-1), expected(slices))
    return true
  })
  assert.equal(discovery.status().state, 'live')
  const first = told.findIndex((replicas) => replicas.length > 0)
  assert.ok(told.slice(first).every((replicas) => replicas.length > 0))
})

async function killAndStart(discovery: Discovery): Promise<void> {
  const server = cluster.component('kube-apiserver')
  const { serving } = discovery.status()
  await server.kill()
  await until('the loss', 60_000, async () => discovery.status().state === 'stale')
  assert.ok(serving > 0 && discovery.status().serving > 0)
  await server.start()
}

test('without the right to list slices a pool is told why it knows none', async () => {
  const api = client(await cluster.token(namespace, 'default'))
  const log = { info() {}, warn() {}, error() {} }
  const discovery = new Discovery(
    { api, clock: systemClock, log, onReplicas() {} },
    { namespace, service: 'vllm', port: 'http' },
  )
  after(() => discovery.close())
  await until('the refusal', 60_000, async () => {
    assert.match(discovery.status().error ?? '', /endpointslices\.discovery\.k8s\.io is forbidden/)
    return true
  })
  assert.equal(discovery.isSynced, false)
})
