import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { entryOf, places } from '#deploy/image/processes.ts'
import { parseQuantity } from '#deploy/inject/quantity.ts'
import { defaultSettings } from '#deploy/inject/settings.ts'
import { openCluster } from '../cluster/cluster.ts'
import { until } from '../cluster/until.ts'
import { type Provider, startProvider } from '../pair/harness.ts'
import { Platform } from './platform.ts'
import type { RealPod } from './real-pod.ts'
import { type Relay, startRelay } from './relay.ts'

const cluster = await openCluster()
let provider: Provider
let relay: Relay
let platform: Platform
let web: RealPod

before(async () => {
  provider = await startProvider({ tokenMs: 100 })
  relay = await startRelay(provider.port)
  platform = await Platform.open(cluster, relay.url)
})
after(async () => {
  relay?.close()
  await provider?.close()
  await cluster.close()
})

/** The code of a connection that is refused, or `open`. */
async function knock(host: string, port: number): Promise<string> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return 'open'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
  }
}

/** Bytes that the kernel lets a process's cgroup have, whichever version of cgroups it has. */
function memoryLimitOf(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')
  const path = (controller: string) =>
    lines.map((line) => line.split(':')).find(([, name]) => name === controller)?.[2] ?? ''
  const first = path('memory')
  const file =
    first === ''
      ? `/sys/fs/cgroup${path('')}/memory.max`
      : `/sys/fs/cgroup/memory${first}/memory.limit_in_bytes`
  return Number(readFileSync(file, 'utf8'))
}

test('a Deployment is Ready with its sidecar where Pod Security is restricted', async (t) => {
  const began = performance.now()
  web = await platform.deploy('web')
  await web.whenReady()
  t.diagnostic(`Ready ${((performance.now() - began) / 1_000).toFixed(1)} s after its creation`)
  const { status } = await web.read()
  assert.deepEqual(
    status.initContainerStatuses?.map(({ name }) => name),
    ['outrigger-sidecar'],
  )
})

test('an application starts when its sidecar answers: its first call is served', async () => {
  const { facts } = await web.whenTold('application', { what: 'first' })
  assert.equal(facts['status'], 200)
})

test('however late its sidecar is, an application starts after it', async () => {
  const lateMs = 4_000
  const start = `setTimeout(() => import('${entryOf('sidecar')}'), ${lateMs})`
  // The word stands where a script's name would be.
  const late = await platform.createInjected('late', {
    command: [places.node, '-e', start, 'late'],
  })
  const first = await late.whenTold('application', { what: 'first' })
  const ready = await late.whenTold('outrigger-sidecar', { msg: 'ready' })
  assert.equal(first.facts['status'], 200)
  assert.ok(first.at > ready.at)
  const started = async (name: string) => {
    return Date.parse((await late.container(name)).state.running?.startedAt ?? '')
  }
  // Kubelet gives whole seconds.
  assert.ok((await started('application')) - (await started('outrigger-sidecar')) > lateMs - 1_000)
  await cluster.api.remove(late.path, { gracePeriodSeconds: 1 })
  await late.whenGone()
})

test('port 4000 answers the application and nobody outside the pod', async () => {
  await web.whenTold('application', { what: 'up' })
  assert.equal((await platform.call(web)).status, 200)
  const address = await web.address()
  assert.equal(await knock(address, 4_000), 'ECONNREFUSED')
  assert.equal(await knock(address, 4_002), 'ECONNREFUSED')
  assert.equal(await knock(address, 4_001), 'open')
})

test('the sidecar has no capability, a filter of system calls and a root it cannot write', async () => {
  const pid = await web.process('outrigger-sidecar')
  const status = new Map(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line) => line.split(/:\s+/))
      .map(([name = '', value = '']) => [name, value]),
  )
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.match(status.get(set) ?? '', /^0+$/)
  }
  assert.equal(status.get('NoNewPrivs'), '1')
  assert.equal(status.get('Seccomp'), '2')
  assert.equal(status.get('Uid'), '65532\t65532\t65532\t65532')
  assert.equal(status.get('Gid'), '65532\t65532\t65532\t65532')
  const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8').split('\n')
  const root = mounts.map((line) => line.split(' ')).find(([, place]) => place === '/')
  assert.ok(root?.[3]?.split(',').includes('ro'))
})

test('the sidecar may take the memory that the template gives it, and no more', async () => {
  const pid = await web.process('outrigger-sidecar')
  const limit = parseQuantity(defaultSettings.resources.memoryLimit)
  assert.equal(memoryLimitOf(pid), limit)
})

test('a changed ConfigMap is acknowledged within seconds where the pod is touched', async (t) => {
  const changed = platform.projection('61s')
  await platform.distribute(changed.text)
  const began = performance.now()
  await platform.touch(web)
  await until('the pod at its hash', 30_000, async () => {
    const fleet = await platform.fleet()
    return fleet.some(({ pod, config }) => {
      return pod === `${platform.namespace}/${web.name}` && config === changed.hash
    })
  })
  const seconds = (performance.now() - began) / 1_000
  t.diagnostic(`acknowledged ${seconds.toFixed(1)} s after the pod was touched`)
  assert.ok(seconds < 10)
})

test('a sidecar that crashes is restarted alone, and calls are served again', async (t) => {
  const application = await web.process('application')
  const began = performance.now()
  process.kill(await web.process('outrigger-sidecar'), 'SIGKILL')
  await until('the sidecar started once more', 60_000, async () => {
    const { restartCount, state } = await web.container('outrigger-sidecar')
    return restartCount === 1 && state.running !== undefined
  })
  await until('a call answered', 30_000, async () => (await platform.call(web)).status === 200)
  t.diagnostic(`served again after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  assert.equal(await web.process('application'), application)
  assert.equal((await web.container('application')).restartCount, 0)
})

test('while its pod ends an application is served, and the sidecar ends after it', async (t) => {
  await platform.through(web.name, 8_080, 'stream/60')
  const [application, sidecar] = [await web.log('application'), await web.log('outrigger-sidecar')]
  const began = performance.now()
  await cluster.api.remove(web.path)
  await web.whenGone()
  t.diagnostic(`gone ${((performance.now() - began) / 1_000).toFixed(1)} s after its deletion`)
  const lines = application.read()
  const ending = lines.filter(({ facts: { what } }) => what === 'ending' || what === 'last')
  assert.deepEqual(
    ending.map(({ facts }) => facts['status']),
    Array.from({ length: 6 }, () => 200),
  )
  const stream = lines.find(({ facts }) => facts['what'] === 'stream')?.facts
  assert.deepEqual([stream?.['status'], stream?.['isWhole']], [200, true])
  const told = (message: string) => sidecar.read().find(({ facts }) => facts['msg'] === message)
  const draining = told('draining')
  assert.equal(draining?.facts['signal'], 'SIGTERM')
  assert.ok((ending.at(-1)?.at ?? '') < (draining?.at ?? ''))
  assert.notEqual(told('ended'), undefined)
  application.close()
  sidecar.close()
})

test('a Job whose pod has the sidecar completes', async () => {
  const path = await platform.startJob('once')
  type Job = { status: { succeeded?: number; failed?: number } }
  await until('the Job complete', 60_000, async () => {
    const { status } = await cluster.api.get<Job>(path)
    assert.equal(status.failed, undefined)
    return status.succeeded === 1
  })
})
