import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { type Provider, startProvider } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import { until } from '../until.ts'
import { Installation } from './installation.ts'
import { Played } from './played.ts'
import { repeat } from './repeat.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const namespace = await cluster.namespace('search')
const played = new Played()

let provider: Provider
let installation: Installation
let node: FakeNode

before(async () => {
  if (skip !== false) return
  provider = await startProvider({ tokenMs: 100 })
  node = await FakeNode.start(cluster.api, { play: played.play })
  installation = new Installation(cluster, namespace, provider)
  await installation.startAmbassador()
})
after(async () => {
  await node?.close()
  await provider?.close()
  await cluster.close()
})

/** What the application of a pod has said. */
async function told(pod: string): Promise<readonly Record<string, unknown>[]> {
  const { lines } = await played.process(pod, 'application')
  return lines.map((line) => JSON.parse(line))
}

/** Resolves once it has said so; of `wanted` each member. */
async function whenTold(pod: string, what: string): Promise<Record<string, unknown>> {
  return until(`'${what}' of ${pod}`, 60_000, async () => {
    return (await told(pod)).find((line) => line['what'] === what)
  })
}

/** Calls one after the other, until the function it gives is called: what came that was not 200. */
function calling(context: TestContext, pod: string): () => Promise<readonly number[]> {
  const failures: number[] = []
  const stop = repeat(context, async () => {
    const { status } = await installation.call(pod)
    if (status !== 200) failures.push(status)
  })
  return async () => {
    assert.ok((await stop()) > 3)
    return failures
  }
}

test('a pod starts without a configuration, is told so, and takes the one that comes', {
  skip,
}, async () => {
  await installation.createInjected('early')
  await installation.whenReady('early')
  assert.equal((await whenTold('early', 'first'))['status'], 503)
  await whenTold('early', 'up')
  const { status, text } = await installation.call('early')
  const { code, message } = JSON.parse(text).error
  assert.deepEqual([status, code], [503, 'not-configured'])
  assert.match(message, /configur/)
  await installation.distribute(installation.projection().text)
  await installation.touch('early')
  await until(
    'a call answered',
    40_000,
    async () => (await installation.call('early')).status === 200,
  )
})

test('an application starts when its sidecar answers: its first call is served', {
  skip,
}, async () => {
  await installation.createInjected('web')
  assert.equal((await whenTold('web', 'first'))['status'], 200)
  assert.deepEqual(played.events('web'), ['outrigger-sidecar started', 'application started'])
  await whenTold('web', 'up')
  assert.equal((await installation.call('web')).status, 200)
})

test('busy or idle, a pod is known with what it runs, within seconds of its file’s change', {
  skip,
}, async (t) => {
  const first = installation.projection()
  const second = installation.projection('61s')
  assert.notEqual(first.hash, second.hash)
  const whenAll = (hash: string) =>
    until(`all pods at ${hash}`, 60_000, async () => {
      const fleet = await installation.fleet()
      return (
        fleet.length === 2 &&
        fleet.every(({ config, version }) => config === hash && version !== '') &&
        fleet
      )
    })
  const fleet = await whenAll(first.hash)
  const uids = await Promise.all(
    ['early', 'web'].map(async (name) => (await installation.pod(name)).metadata.uid),
  )
  assert.deepEqual(fleet.map(({ pod }) => pod).toSorted(), [
    `${namespace}/early`,
    `${namespace}/web`,
  ])
  assert.deepEqual(fleet.map(({ uid }) => uid).toSorted(), uids.toSorted())
  const stop = calling(t, 'web')
  await installation.distribute(second.text)
  const began = performance.now()
  await Promise.all([installation.touch('web'), installation.touch('early')])
  await whenAll(second.hash)
  const seconds = (performance.now() - began) / 1_000
  t.diagnostic(`acknowledged ${seconds.toFixed(1)} s after the pods were touched`)
  // Without the touch a volume is written anew after 60 s at the earliest.
  assert.ok(seconds < 40)
  assert.deepEqual(await stop(), [])
})

test('a token that kubelet writes anew is used without a failed call', { skip }, async (t) => {
  const stop = calling(t, 'web')
  const ends = async () => {
    const page = await installation.through('web', 4_001, 'metrics')
    const left = /^outrigger_sidecar_token_expires_seconds ([\d.]+)/m.exec(page)?.[1]
    return Date.now() / 1_000 + Number(left)
  }
  const end = await ends()
  await node.sync('all tokens')
  // It looks every ten seconds; kubelet leaves it twelve minutes.
  await until('another token in use', 60_000, async () => (await ends()) > end + 1)
  assert.deepEqual(await stop(), [])
})

test('a sidecar that crashes is restarted alone, and calls are served again', {
  skip,
}, async () => {
  const before = await played.process('web', 'application')
  const sidecar = await played.process('web', 'outrigger-sidecar')
  process.kill(sidecar.pid, 'SIGKILL')
  assert.equal(await sidecar.exited, 137)
  await until(
    'a call answered',
    60_000,
    async () => (await installation.call('web')).status === 200,
  )
  assert.equal((await played.process('web', 'application')).pid, before.pid)
  interface Restarts {
    readonly status: {
      readonly initContainerStatuses: readonly { readonly restartCount: number }[]
      readonly containerStatuses: readonly { readonly restartCount: number }[]
    }
  }
  await until('one restart', 60_000, async () => {
    const { status } = await cluster.api.get<Restarts>(installation.path('pods/web'))
    const counts = [...status.initContainerStatuses, ...status.containerStatuses]
    return counts.map(({ restartCount }) => restartCount).join() === '1,0'
  })
})

test('while its pod ends an application is served to its last call, its stream to the end', {
  skip,
}, async (t) => {
  const events = played.events('web').length
  await installation.through('web', 8_080, 'stream/100')
  const sidecar = await played.process('web', 'outrigger-sidecar')
  const began = performance.now()
  await cluster.api.remove(installation.path('pods/web'))
  assert.equal(await sidecar.exited, 0)
  const seconds = (performance.now() - began) / 1_000
  const lines = await told('web')
  const ending = lines.filter(({ what }) => what === 'ending' || what === 'last')
  assert.deepEqual(
    ending.map(({ status }) => status),
    Array.from({ length: 6 }, () => 200),
  )
  const [stream] = lines.filter(({ what }) => what === 'stream')
  assert.deepEqual([stream?.['status'], stream?.['isWhole']], [200, true])
  assert.deepEqual(played.events('web').slice(events), [
    'application SIGTERM',
    'application exited 0',
    'outrigger-sidecar SIGTERM',
    'outrigger-sidecar exited 0',
  ])
  t.diagnostic(`ended ${seconds.toFixed(1)} s after the deletion`)
  assert.ok(seconds > 8 && seconds < 60)
  await installation.whenGone('web')
})

test('a Job whose pod has the sidecar completes', { skip }, async () => {
  const containers = [{ name: 'application', image: 'application', args: ['--once'] }]
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once', namespace },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers } } },
  }
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`
  await cluster.api.create(path, installation.injected(job))
  type Job = { status: { succeeded?: number; failed?: number } }
  await until('the Job complete', 60_000, async () => {
    const { status } = await cluster.api.get<Job>(`${path}/once`)
    assert.equal(status.failed, undefined)
    return status.succeeded === 1
  })
})
