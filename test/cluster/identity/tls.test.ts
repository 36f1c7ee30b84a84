import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import { stringify } from 'yaml'
import { type Authorities, advance, bundleOf, spread } from '#deploy/certificates/authorities.ts'
import { issue } from '#deploy/certificates/leaf.ts'
import { writePair } from '#deploy/certificates/stored.ts'
import { project } from '#deploy/controller/project.ts'
import { ask, question } from '../../pair/client.ts'
import { configOf, Half, startProvider } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import { repeat } from '../sidecar/repeat.ts'
import { until } from '../until.ts'
import { mountAccount } from './account.ts'

const dayMs = 24 * 3_600_000
/** There is no DNS here: the one name that every machine knows. */
const name = 'localhost'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const namespace = await cluster.namespace('tls')
const directory = await mkdtemp(join(tmpdir(), 'outrigger-tls-'))
const provider = await startProvider()
const account = await mountAccount(cluster, namespace, 'ambassador')
const node = await FakeNode.start(cluster.api)
const halves: Half[] = []
after(async () => {
  for (const half of halves) await half.kill()
  await node.close()
  await provider.close()
  await account.remove()
  await rm(directory, { recursive: true, force: true })
  await cluster.close()
})

const options = {
  provider: provider.port,
  ambassador: { identity: { kind: 'kubernetes' }, drain: { delay: 0, grace: 0 } },
  tenants: { search: { workloads: [{ namespace }] } },
  // So that each call shakes hands anew.
  sidecar: { keepAlive: '50ms' },
}

/** As the controller writes them; kubelet brings them to the files at once. */
async function writeSecret(authorities: Authorities): Promise<void> {
  const pair = await issue(authorities, [name], { nowMs: Date.now() })
  const metadata = { name: 'ambassador-pool-tls', namespace }
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata }
  await cluster.api.apply({ ...secret, data: writePair(pair) })
  await node.sync()
}

async function writeBundle(authorities: Authorities, port: number): Promise<void> {
  const projected = project(stringify(configOf(options, [`${name}:${port}`])), { transport: 'tls' })
  assert.ok(projected.ok)
  const { text } = projected.projection
  const metadata = { name: 'outrigger-sidecar', namespace }
  const data = { 'outrigger.yaml': text, 'ca.crt': bundleOf(authorities) }
  await cluster.api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  await node.sync()
}

/** The volumes of a pod with everything that the two processes are given. */
async function mounted() {
  const token = { audience: 'outrigger', expirationSeconds: 3_600, path: 'token' }
  await cluster.api.create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'halves' },
    spec: {
      volumes: [
        { name: 'tls', secret: { secretName: 'ambassador-pool-tls' } },
        { name: 'config', configMap: { name: 'outrigger-sidecar', optional: true } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: token }] } },
      ],
      containers: [{ name: 'halves', image: 'halves' }],
    },
  })
  const { volumes } = await node.life(namespace, 'halves')
  await until('the pod running', 60_000, async () => {
    type Pod = { status: { phase?: string } }
    const { status } = await cluster.api.get<Pod>(`/api/v1/namespaces/${namespace}/pods/halves`)
    return status.phase === 'Running'
  })
  return volumes
}

async function start(half: Half): Promise<Half> {
  halves.push(half)
  await half.whenReady()
  return half
}

/** Whether whoever trusts `authorities` alone would call the server at `port`. */
async function isTrusted(port: number, ca: string): Promise<boolean> {
  const socket = connect({ host: name, port, servername: name, ca, ALPNProtocols: ['http/1.1'] })
  try {
    await once(socket, 'secureConnect')
    return true
  } catch {
    // Refused by this side: it knows none of the chain.
    return false
  } finally {
    socket.destroy()
  }
}

test('another authority and its certificates replace the first without a failed call', {
  skip,
}, async (t) => {
  // Made 300 days ago: it is time for the next one.
  const first = await advance(undefined, Date.now() - 300 * dayMs)
  await writeSecret(first)
  const volumes = await mounted()
  const file = join(directory, 'outrigger.yaml')
  await writeFile(file, JSON.stringify(configOf(options, [])))
  const flags = ['--service-account', account.directory, '--tls', volumes.path('tls')]
  const own = [...flags, '--host', name]
  const ambassador = await start(new Half('ambassador', file, account.environment, own))
  const { port } = ambassador
  await writeBundle(first, port)
  const config = join(volumes.path('config'), 'outrigger.yaml')
  const token = join(volumes.path('token'), 'token')
  const sidecar = await start(new Half('sidecar', config, {}, ['--token', token]))
  await until('a call served', 60_000, async () => {
    return (await ask(sidecar.port, question('chat'))).status === 200
  })
  const failures: string[] = []
  const stop = repeat(t, async () => {
    const { status, body } = await ask(sidecar.port, question('chat'))
    if (status !== 200) failures.push(body)
    // Longer than a connection is kept.
    await pause(100)
  })
  // The next authority is in every bundle before it signs.
  const both = await advance(first, Date.now())
  await writeBundle(both, port)
  await sidecar.line(({ msg }) => msg === 'other authorities are in force')
  assert.ok(await isTrusted(port, bundleOf(first)))
  const second = await advance(spread(both, Date.now() - 2 * dayMs), Date.now())
  assert.equal(second.current.certificate, both.next?.certificate)
  await writeSecret(second)
  await ambassador.line(({ msg }) => msg === 'another TLS certificate is in force')
  assert.equal(await isTrusted(port, bundleOf(first)), false)
  // The first goes once its last leaf has ended.
  const only = await advance(second, Date.now() + 31 * dayMs)
  assert.deepEqual(only.previous, [])
  const mark = sidecar.mark
  await writeBundle(only, port)
  await sidecar.line(({ msg }) => msg === 'other authorities are in force', mark)
  const count = await stop()
  assert.deepEqual(failures, [])
  assert.ok(count > 20)
  t.diagnostic(`${count} calls`)
})
