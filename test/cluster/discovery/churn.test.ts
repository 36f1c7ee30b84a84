import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, type TestContext, test } from 'node:test'
import { ask, open, question, questions } from '../../pair/client.ts'
import { configOf, Half } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import { deployment, service } from '../ground/workload.ts'
import { type MountedAccount, mountAccount } from '../identity/account.ts'
import { startInPod } from '../node/container-process.ts'
import { repeat } from '../sidecar/repeat.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const namespace = await cluster.namespace('vllm')
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
const program = join(import.meta.dirname, 'replica.ts')

let node: FakeNode
let account: MountedAccount
let directory: string
let ambassador: Half

before(async () => {
  if (skip !== false) return
  node = await FakeNode.start(cluster.api, {
    play: (start) => startInPod(start, process.execPath, [program]),
  })
  const spec = {
    containers: [
      {
        name: 'vllm',
        image: 'vllm',
        readinessProbe: { httpGet: { path: '/health', port: 8_000 }, periodSeconds: 1 },
      },
    ],
  }
  await cluster.api.create(`/api/v1/namespaces/${namespace}/services`, service('vllm', 80, 8_000))
  await cluster.api.create(deployments, deployment('vllm', 1, spec))
  account = await mountAccount(cluster, namespace, 'ambassador')
  await mayReadSlices('ambassador')
  directory = await mkdtemp(join(tmpdir(), 'outrigger-churn-'))
  ambassador = await startAmbassador()
})
after(async () => {
  await ambassador?.kill()
  await node?.close()
  await account?.remove()
  await cluster.close()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
})

/** What the chart gives an ambassador whose pool names a Service. */
async function mayReadSlices(name: string): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  const apiGroup = 'rbac.authorization.k8s.io'
  const rule = {
    apiGroups: ['discovery.k8s.io'],
    resources: ['endpointslices'],
    verbs: ['list', 'watch'],
  }
  await cluster.api.create(`${rbac}/roles`, { metadata: { name }, rules: [rule] })
  await cluster.api.create(`${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  })
}

async function startAmbassador(): Promise<Half> {
  const file = join(directory, 'outrigger.yaml')
  const pool = { replicas: { service: `${namespace}/vllm` } }
  await writeFile(file, JSON.stringify(configOf({ provider: 0, pool }, [])))
  const flags = ['--service-account', account.directory]
  const half = new Half('ambassador', file, account.environment, flags)
  await half.whenReady()
  return half
}

interface Status {
  readonly replicas: readonly { readonly origin: string }[]
  readonly discovery: { readonly state: string; readonly serving: number; readonly leaving: number }
}

async function status(): Promise<Status> {
  return JSON.parse((await ambassador.page('/statusz')).text)
}

/** Resolves once the pool has so many replicas that serve, live or not. */
async function whenServing(count: number): Promise<void> {
  await until(`${count} replicas`, 60_000, async () => (await status()).discovery.serving === count)
}

async function scale(replicas: number): Promise<void> {
  await cluster.api.patch(`${deployments}/vllm`, { spec: { replicas } })
}

/** Four callers at a time until the function it gives is called; what was not served. */
function calling(context: TestContext): () => Promise<readonly string[]> {
  const failures: string[] = []
  const call = async (stream: boolean) => {
    const seen = await ask(ambassador.port, question('chat', { stream, body: { max_tokens: 5 } }))
    const isWhole = !stream || seen.body.includes(questions.chat.done)
    if (seen.status !== 200 || !isWhole) failures.push(`${seen.status} ${seen.body}`)
  }
  const callers = [true, false, true, false].map((stream) => repeat(context, () => call(stream)))
  return async () => {
    const counts = await Promise.all(callers.map((stop) => stop()))
    assert.ok(counts.every((count) => count > 5))
    return failures
  }
}

interface Replica {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly status: { readonly podIP?: string }
}

/** How many calls each pod has had, by its name. */
async function callsOf(pods: readonly Replica[]): Promise<ReadonlyMap<string, number>> {
  const counts = pods.map(async ({ metadata, status: { podIP = '' } }) => {
    const answer = await fetch(`http://${podIP}:8001/`)
    return [metadata.name, Number(await answer.text())] as const
  })
  return new Map(await Promise.all(counts))
}

function pods(): Promise<readonly Replica[]> {
  return cluster.api.list<Replica>(`/api/v1/namespaces/${namespace}/pods?labelSelector=app=vllm`)
}

test('a pool that grows and shrinks with its Deployment fails no call', { skip }, async (t) => {
  await until('the ambassador ready', 60_000, async () => {
    return (await ambassador.page('/readyz')).status === 200
  })
  await whenServing(1)
  const stop = calling(t)
  await scale(3)
  await whenServing(3)
  await until('a call for each', 60_000, async () => {
    return [...(await callsOf(await pods())).values()].every((count) => count > 0)
  })
  const asked = () => question('chat', { stream: true, body: { max_tokens: 150 } })
  const long = await Promise.all(Array.from({ length: 9 }, () => open(ambassador.port, asked())))
  const streams = Promise.all(long.map((response) => text(response)))
  const began = performance.now()
  await scale(1)
  await whenServing(1)
  t.diagnostic(`no longer served ${Math.round(performance.now() - began)} ms after the scaling`)
  // What was on its way to one of them has come to its end, the long streams apart.
  assert.deepEqual(await stop(), [])
  const leaving = (await pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
  assert.equal(leaving.length, 2)
  const before = await callsOf(leaving)
  for (let call = 0; call < 20; call++) {
    assert.equal((await ask(ambassador.port, question('chat'))).status, 200)
  }
  assert.deepEqual(await callsOf(leaving), before)
  const stopAgain = calling(t)
  for (const stream of await streams) assert.ok(stream.includes(questions.chat.done), stream)
  await until('both gone', 60_000, async () => (await pods()).length === 1)
  await until('one replica', 60_000, async () => {
    const { replicas, discovery } = await status()
    return replicas.length === 1 && discovery.leaving === 0
  })
  assert.deepEqual(await stopAgain(), [])
})

test('while the API server is away the pool stays, and what changed then is caught up with', {
  skip,
}, async (t) => {
  await scale(2)
  await whenServing(2)
  const stop = calling(t)
  await cluster.component('kube-apiserver').kill()
  await until('the loss', 60_000, async () => (await status()).discovery.state === 'stale')
  const { replicas, discovery } = await status()
  assert.deepEqual([replicas.length, discovery.serving], [2, 2])
  assert.equal((await ambassador.page('/readyz')).status, 200)
  await cluster.heal()
  await scale(3)
  await whenServing(3)
  await until('it is live', 60_000, async () => (await status()).discovery.state === 'live')
  assert.deepEqual(await stop(), [])
})
