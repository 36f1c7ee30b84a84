import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { textHash } from '#shared/config/snapshot.ts'
import { version } from '#shared/lifecycle/version.ts'
import { claimsAt, sign, signingKey } from '../ambassador/identity/signing-cluster.ts'
import { until } from '../cluster/until.ts'
import { ask, question } from './client.ts'
import { type ClusterAmbassador, startClusterAmbassador } from './cluster-ambassador.ts'
import { configOf, Half, type Provider, startProvider } from './harness.ts'

const [key, stranger] = await Promise.all([signingKey(), signingKey()])
const tenants = { search: { workloads: [{ namespace: 'search' }] } }

let provider: Provider
let ambassador: ClusterAmbassador
let directory: string
const halves: Half[] = []

before(async () => {
  provider = await startProvider()
  directory = await mkdtemp(join(tmpdir(), 'outrigger-fleet-'))
  ambassador = await startClusterAmbassador({ provider: provider.port, tenants }, [key])
})
after(async () => {
  for (const half of halves) await half.kill()
  await ambassador?.close()
  await provider?.close()
  await rm(directory, { recursive: true, force: true })
})

interface Fleet {
  readonly provider: string
  readonly hash: string
  readonly pods: readonly { pod: string; uid: string; config: string; version: string }[]
}

/** Asks until `isIt`, as `outrigger config status --wait` does. */
async function fleetOnce(isIt: (fleet: Fleet) => boolean): Promise<Fleet> {
  return until('the fleet', 60_000, async () => {
    const fleet: Fleet = JSON.parse((await ambassador.page('/fleet')).text)
    return isIt(fleet) && fleet
  })
}

function textOf(deadline: string): string {
  const config = configOf({ provider: provider.port, sidecar: { deadline } }, [
    `localhost:${ambassador.port}`,
  ])
  return JSON.stringify(config)
}

async function startSidecar(signer = key) {
  const at = await mkdtemp(join(directory, 'pod-'))
  const file = join(at, 'outrigger.yaml')
  const token = join(at, 'token')
  await writeFile(file, textOf('60s'))
  await writeFile(token, await sign(signer, claimsAt(Date.now(), 'search')))
  const half = new Half('sidecar', file, {}, ['--token', token])
  halves.push(half)
  await half.whenReady()
  return { half, file }
}

test('a pod that makes no call is known by its heartbeat, with what it runs', async () => {
  await startSidecar()
  const { pods, provider: name } = await fleetOnce((fleet) => fleet.pods.length === 1)
  assert.equal(name, 'pool')
  const [pod] = pods
  assert.match(pod?.pod ?? '', /^search\//)
  assert.deepEqual([pod?.config, pod?.version], [textHash(textOf('60s')), version])
  const { text } = await ambassador.page('/metrics')
  const line = `outrigger_ambassador_fleet_pods{hash="${pod?.config}",version="${version}"} 1`
  assert.ok(text.includes(line), text)
  // A heartbeat is no call: nothing was metered and no line written.
  assert.equal(ambassador.lines.filter(({ msg }) => msg === 'call').length, 0)
})

test('a pod that takes another configuration says so within seconds, idle or not', async () => {
  const { half, file } = await startSidecar()
  await ask(half.port, question('chat'))
  await writeFile(file, textOf('61s'))
  const now = textHash(textOf('61s'))
  await fleetOnce(({ pods }) => pods.some(({ config }) => config === now))
})

test('nobody is noted whose token is not of this cluster', async () => {
  const before = await fleetOnce(() => true)
  const { half } = await startSidecar(stranger)
  assert.equal((await ask(half.port, question('chat'))).status, 401)
  const later = await fleetOnce(() => true)
  assert.deepEqual(
    later.pods.map(({ uid }) => uid).toSorted(),
    before.pods.map(({ uid }) => uid).toSorted(),
  )
})
