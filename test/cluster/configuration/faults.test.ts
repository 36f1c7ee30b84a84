import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openCluster } from '../cluster.ts'
import { platformText, systemNamespace } from '../stage/names.ts'
import { asking, create, initNames, pod } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
// The same on every version, and it takes minutes.
const isRepeated = cluster.emulatedVersion !== undefined && 'seen on the version before'
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler') || isRepeated
const stage = skip ? undefined : await Stage.open(cluster)
after(async () => {
  try {
    await stage?.close()
  } finally {
    await cluster.close()
  }
})
const namespace = await cluster.namespace('faults')

/** The configuration of this deadline, projected into `namespace` after it is applied. */
async function distributes(deadline: string): Promise<void> {
  await stage?.configure(platformText(deadline))
  type ConfigMap = { data: Record<string, string> }
  await until(`a projection with ${deadline}`, 60_000, async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/outrigger-sidecar`
    const { data } = await cluster.api.get<ConfigMap>(path)
    return data['outrigger.yaml']?.includes(`deadline: ${deadline}`)
  })
}

test('a leader that dies with its pod is followed by the other', {
  skip,
}, async (context) => {
  assert.ok(stage !== undefined)
  await create(cluster, namespace, pod(asking()))
  await distributes('1m')
  const dead = await stage.leader()
  const began = performance.now()
  const path = `/api/v1/namespaces/${systemNamespace}/pods/${dead}`
  // By force: the node kills it, and nobody releases the lease.
  await cluster.api.remove(path, { gracePeriodSeconds: 0 })
  await until('the other to lead', 60_000, async () => (await stage.leader()) !== dead)
  context.diagnostic(`followed after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  await distributes('2m')
  assert.equal(await stage.metric('controller', 'outrigger_controller_leader'), 1)
})

test('a leader that is killed and comes back in its pod goes on', { skip }, async () => {
  assert.ok(stage !== undefined)
  const leader = await stage.leader()
  const player = stage.players('controller').find((each) => each.pod === leader)
  player?.process.signal('SIGKILL')
  await distributes('3m')
  assert.equal(await stage.metric('controller', 'outrigger_controller_leader'), 1)
})

// Longer than a lease; the whole minute is waited for where tokens are proven.
test('after a time without the API server everything goes on', {
  skip,
}, async (context) => {
  assert.ok(stage !== undefined)
  const ids = (name: 'webhook' | 'controller') =>
    stage.players(name).map(({ process }) => process.pid)
  const before = [ids('webhook'), ids('controller')]
  await cluster.component('kube-apiserver').kill()
  await pause(25_000)
  await cluster.heal()
  const began = performance.now()
  await until('an injected pod', 60_000, async () => {
    return initNames(await create(cluster, namespace, pod(asking()))).length === 1
  })
  await distributes('4m')
  context.diagnostic(`distributed ${((performance.now() - began) / 1_000).toFixed(1)} s after it`)
  assert.deepEqual([ids('webhook'), ids('controller')], before)
})
