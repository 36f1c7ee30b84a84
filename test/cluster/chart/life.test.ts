import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { chart } from '#deploy/helm/generate.ts'
import { ApiError } from '../api-error.ts'
import { openCluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import { startProcess } from '../node/container-process.ts'
import { until } from '../until.ts'
import { helmAside, hosted } from './helm-command.ts'

/** One after the other: an installation, its upgrade, the way back, its end. */
const cluster = await openCluster()
const { api } = cluster
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const system = 'outrigger-system'
const base = `/api/v1/namespaces/${system}`
const configurations = '/apis/admissionregistration.k8s.io/v1'
const injector = `${configurations}/mutatingwebhookconfigurations/ambassador-outrigger-injector`
const directory = await mkdtemp(join(tmpdir(), 'outrigger-chart-'))
const kubeconfig = join(directory, 'kubeconfig')
await writeFile(kubeconfig, cluster.kubeconfig())
const account = '/var/run/secrets/kubernetes.io/serviceaccount'
const node = await FakeNode.start(api, {
  syncMs: 500,
  play(start) {
    const { name } = start.spec
    if (name !== 'webhook' && name !== 'controller') return undefined
    const entry = join(import.meta.dirname, '../../../deploy', name, 'main.ts')
    // One loopback is everybody's here, so each listens at its own address; the rest is the chart's.
    const here = ['--service-account', start.path(account), '--probes-host', start.address]
    const host = name === 'webhook' ? ['--host', start.address] : []
    return startProcess(start, process.execPath, [entry, ...start.args, ...here, ...host])
  },
})
const team = await cluster.namespace('team')
const watching = new AbortController()
after(async () => {
  watching.abort()
  await run('uninstall', '--ignore-not-found')
  await node.close()
  await absent()
  await cluster.close()
  await rm(directory, { recursive: true, force: true })
})

const release = ['outrigger', '--namespace', system, '--kubeconfig', kubeconfig]
const run = (verb: string, ...more: string[]) => helmAside([verb, ...release, ...more])

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 404)) throw error
}

/** The namespace of whoever was there before, or of this file, has gone. */
async function absent(): Promise<void> {
  await api.remove(base).catch(ignoreAbsent)
  await until(`the end of ${system}`, 60_000, async () => {
    const namespaces = await api.list('/api/v1/namespaces')
    return namespaces.every(({ metadata }) => metadata.name !== system)
  })
}

interface Deployment {
  readonly metadata: { readonly generation: number }
  readonly status: Readonly<Record<string, number | undefined>>
}

/** Resolves once the pods of the newest template, and no others, are ready. */
function rolledOut(name: string, replicas: number): Promise<unknown> {
  return until(`${replicas} of ${name}`, 90_000, async () => {
    const { metadata, status } = await api.get<Deployment>(
      `/apis/apps/v1/namespaces/${system}/deployments/${name}`,
    )
    const counts = [status['replicas'], status['updatedReplicas'], status['readyReplicas']]
    return (
      status['observedGeneration'] === metadata.generation &&
      counts.every((count) => count === replicas)
    )
  })
}

interface Created {
  readonly spec: { readonly initContainers?: readonly { readonly name: string }[] }
}

async function createPod(asks: 'asks' | 'does not ask'): Promise<Created> {
  const annotations = asks === 'asks' ? { 'outrigger.dev/inject': 'true' } : {}
  const spec = { containers: [{ name: 'app', image: 'app' }] }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-', annotations }, spec }
  return api.create<Created>(`/api/v1/namespaces/${team}/pods?dryRun=All`, pod)
}

/** Creates pods without a pause until `work` has ended; gives how many, and what was refused. */
async function creatingPods(asks: 'asks' | 'does not ask', work: () => Promise<unknown>) {
  const refusals: string[] = []
  let made = 0
  const ending = new AbortController()
  const loop = (async () => {
    while (!ending.signal.aborted) {
      await createPod(asks).catch((error: unknown) => refusals.push(String(error)))
      made++
    }
  })()
  await work().finally(() => ending.abort())
  await loop
  return { made, refusals }
}

const bundleOf = async () => {
  type Configuration = { webhooks: { clientConfig: { caBundle?: string } }[] }
  return (await api.get<Configuration>(injector)).webhooks[0]?.clientConfig.caBundle
}

test('helm install gives pods their sidecar and namespaces their configuration', {
  skip,
}, async () => {
  await absent()
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: system, labels } })
  for (const name of ['openai', 'anthropic']) {
    const stringData = { main: 'not a key' }
    await api.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: system },
      stringData,
    })
  }
  const monitors = ['serviceMonitor', 'podMonitor'].flatMap((kind) => [
    '--set',
    `monitoring.${kind}.enabled=false`,
  ])
  const ownSettings = [
    '--values',
    hosted,
    '--set',
    'providers.openai.hpa.enabled=false',
    ...monitors,
  ]
  const { made, refusals } = await creatingPods('does not ask', () =>
    run('install', chart, ...ownSettings),
  )
  assert.deepEqual(refusals, [])
  assert.ok(made > 0)
  for (const name of ['outrigger-controller', 'outrigger-webhook', 'ambassador-anthropic'])
    await rolledOut(name, 2)
  // Their certificates are there, or the pods would still wait for their volumes.
  await rolledOut('ambassador-openai', 3)
  const pod = await until('an injected pod', 60_000, () => createPod('asks'))
  assert.deepEqual(
    pod.spec.initContainers?.map(({ name }) => name),
    ['outrigger-sidecar'],
  )
  const spec = { containers: [{ name: 'app', image: 'app' }] }
  const metadata = { name: 'stays', annotations: { 'outrigger.dev/inject': 'true' } }
  await api.create(`/api/v1/namespaces/${team}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec,
  })
  await until('the configuration of sidecars', 60_000, () =>
    api.get(`/api/v1/namespaces/${team}/configmaps/outrigger-sidecar`),
  )
})

test('an upgrade holds up no pod that asks, and leaves the authorities as they are', {
  skip,
}, async () => {
  const before = await bundleOf()
  assert.ok(before)
  const { made, refusals } = await creatingPods('asks', async () => {
    await run(
      'upgrade',
      chart,
      '--reuse-values',
      '--set',
      'webhook.resources.requests.memory=100Mi',
      '--set',
      'config.sidecar.deadline=5m',
    )
    await rolledOut('outrigger-webhook', 2)
  })
  assert.deepEqual(refusals, [])
  assert.ok(made > 10, `${made} pods`)
  assert.equal(await bundleOf(), before)
})

test('a rollback brings back configuration and pods, and holds up no pod that asks', {
  skip,
}, async () => {
  const textOf = async () => {
    const { data } = await api.get<{ data: Record<string, string> }>(`${base}/configmaps/outrigger`)
    return data['outrigger.yaml'] ?? ''
  }
  assert.match(await textOf(), /deadline: 5m/)
  const { refusals } = await creatingPods('asks', async () => {
    await run('rollback', '1')
    await rolledOut('outrigger-webhook', 2)
  })
  assert.deepEqual(refusals, [])
  assert.doesNotMatch(await textOf(), /deadline: 5m/)
})

test('the controller may create the one ConfigMap by name, and reads no key of a provider', {
  skip,
}, async () => {
  const controller = api.as(await cluster.token(system, 'outrigger-controller'))
  const configMap = (name: string) =>
    controller.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
      '&dryRun=All',
    )
  await configMap('outrigger-sidecar')
  const forbidden = { status: 403 }
  await assert.rejects(configMap('another'), forbidden)
  await assert.rejects(controller.get(`${base}/secrets/openai`), forbidden)
  await assert.rejects(controller.list(`${base}/secrets`), forbidden)
  await assert.rejects(controller.list('/api/v1/configmaps'), forbidden)
})

test('an uninstallation takes the injector away first, and holds up nobody who does not ask', {
  skip,
}, async () => {
  const removed: string[] = []
  const note = async (path: string) => {
    for await (const { type, object } of api.watch(path, watching.signal)) {
      const { name, resourceVersion = '' } = object.metadata
      if (type === 'DELETED') removed.push(`${resourceVersion.padStart(12, '0')} ${name}`)
    }
  }
  const paths = [
    `${configurations}/mutatingwebhookconfigurations`,
    `${configurations}/validatingadmissionpolicybindings`,
    `/apis/apps/v1/namespaces/${system}/deployments`,
    `${base}/services`,
  ]
  const watches = paths.map((path) => note(path).catch(() => undefined))
  const uninstall = async () => {
    await run('uninstall')
    await until('a pod that asks, without a sidecar', 60_000, async () => {
      return (await createPod('asks')).spec.initContainers === undefined
    })
    await until('the end of the processes', 60_000, async () => {
      return (await api.list(`${base}/pods`)).length === 0
    })
  }
  const { made, refusals } = await creatingPods('does not ask', uninstall)
  watching.abort()
  await Promise.all(watches)
  assert.ok(made > 10, `${made} pods`)
  assert.deepEqual(refusals, [])
  const order = removed.toSorted().map((line) => line.slice(13))
  const [first, second] = order
  assert.deepEqual([first, second], ['outrigger-backstop', 'ambassador-outrigger-injector'])
  await assert.rejects(api.get(injector), { status: 404 })
  // Pods that run keep their configuration.
  await api.get(`/api/v1/namespaces/${team}/configmaps/outrigger-sidecar`)
})
