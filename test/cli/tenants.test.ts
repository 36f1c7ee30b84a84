import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { runChecks } from '#deploy/cli/check/check.ts'
import { diffConfig } from '#deploy/cli/config/diff.ts'
import { pushConfig } from '#deploy/cli/config/push.ts'
import { configStatus } from '#deploy/cli/config/status.ts'
import { platformFile } from '#deploy/cli/fleet/platform-file.ts'
import { status } from '#deploy/cli/status/status.ts'
import { handoutIn } from '#deploy/controller/distribute.ts'
import { project } from '#deploy/controller/project.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type ManualClock, manualClock } from '../manual-clock.ts'
import { call } from './call.ts'
import {
  distribute,
  healthyCluster,
  hear,
  heard,
  injectedPod,
  platformText,
  podAt,
  type ScriptedCluster,
  sidecarsHash,
  wallMs,
} from './healthy-cluster.ts'

const system = 'outrigger-system'
const transports = ['tls', 'plain'] as const

/** ConfigMap `outrigger-sidecar` as a tenant writes it. */
function tenantMap({ objects }: ScriptedCluster, namespace: string, members: object): void {
  const metadata = { name: 'outrigger-sidecar', namespace }
  objects.set(`/api/v1/namespaces/${namespace}/configmaps/outrigger-sidecar`, {
    metadata,
    ...members,
  })
}

/** A pod with a sidecar in `namespace`. */
function podIn({ objects }: ScriptedCluster, namespace: string): void {
  const pod = injectedPod('web-1')
  podAt(objects, { ...pod, metadata: { ...pod.metadata, namespace } })
}

/** A running pod without a sidecar that somebody has labelled as one that has. */
function labelled(): KubernetesObject {
  const { metadata, status } = injectedPod('labelled')
  return { metadata, spec: { containers: [{ name: 'app', image: 'app:1' }] }, status }
}

/** Pushes with --now, and lets time pass as long as it waits: `waitedMs`. */
async function push(cluster: ScriptedCluster, clock: ManualClock = manualClock()) {
  const pushing = call(pushConfig, cluster, { options: { now: '' }, clock })
  // More looks than it takes within its 30 s; between two of them nothing but promises is waited for.
  for (let look = 0; look < 100; look++) {
    await setImmediate()
    if (clock.pending() > 0) clock.advance(500)
  }
  return { ...(await pushing), waitedMs: clock.now() }
}

const touchedIn = ({ patched }: ScriptedCluster, namespace: string) =>
  patched.filter((path) => path.startsWith(`/api/v1/namespaces/${namespace}/pods/`)).length

for (const transport of transports) {
  test(`where calls go by ${transport}, nothing of a tenant's changes what sidecars should run`, async () => {
    const made = project(platformText, { transport })
    assert.ok(made.ok)
    const authorities = transport === 'tls' ? 'authorities' : undefined
    const key = fc.constantFrom('ca.crt', 'outrigger.yaml', 'other')
    const property = fc.asyncProperty(fc.dictionary(key, fc.string()), async (data) => {
      const cluster = healthyCluster()
      const home = handoutIn(system, { projection: made.projection, authorities })
      cluster.objects.set(`/api/v1/namespaces/${system}/configmaps/outrigger-sidecar`, home)
      for (const namespace of ['a-tenant', 'search']) tenantMap(cluster, namespace, { data })
      const { projected } = await platformFile({ api: cluster.api, systemNamespace: system })
      assert.equal(projected?.ok === true && projected.projection.hash, made.projection.hash)
    })
    await fc.assert(property, { numRuns: 20 })
  })
}

test('a ConfigMap of a tenant differs where its sidecars read it, and nowhere else', async () => {
  const cluster = healthyCluster()
  tenantMap(cluster, 'shop', { data: { 'outrigger.yaml': 'models: {}' } })
  assert.equal((await call(diffConfig, cluster)).text, `Every namespace holds ${sidecarsHash}.\n`)
  podIn(cluster, 'shop')
  const { exit, text } = await call(diffConfig, cluster)
  assert.equal(exit, 1)
  assert.match(text, /^shop +sidecar +\(absent\)/m)
})

test("a push does not wait for a tenant's own ConfigMap", async () => {
  const cluster = healthyCluster()
  tenantMap(cluster, 'shop', { data: { 'outrigger.yaml': 'models: {}' } })
  const { exit, text, waitedMs } = await push(cluster)
  assert.deepEqual({ exit, waitedMs }, { exit: 0, waitedMs: 0 })
  assert.equal(text, '3 pods touched: kubelet looks at once.\n')
})

const unwritable = [
  { what: "a tenant's own", members: {} },
  { what: 'one that nobody may change', members: { immutable: true } },
  { what: 'none at all', members: undefined },
]
for (const { what, members } of unwritable) {
  test(`sidecars whose namespace holds ${what} are left out of a push and named`, async () => {
    const cluster = healthyCluster()
    podIn(cluster, 'shop')
    if (members !== undefined) tenantMap(cluster, 'shop', members)
    const { exit, text, data, waitedMs } = await push(cluster)
    assert.deepEqual({ exit, waitedMs }, { exit: 1, waitedMs: 0 })
    assert.deepEqual(data, { touched: 3, late: ['shop'] })
    assert.match(text, /^3 pods touched: .*\nThese namespaces do not hold it.*\n {2}shop\n$/)
    assert.deepEqual([touchedIn(cluster, 'shop'), touchedIn(cluster, 'search')], [0, 1])
  })
}

test('a managed namespace that nobody writes is waited for, and delays no other for good', async () => {
  const cluster = healthyCluster()
  podIn(cluster, 'shop')
  const metadata = {
    name: 'outrigger-sidecar',
    namespace: 'shop',
    labels: { 'outrigger.dev/managed': 'true' },
  }
  tenantMap(cluster, 'shop', { metadata })
  const { data, waitedMs } = await push(cluster)
  assert.equal(waitedMs, 30_000)
  assert.deepEqual(data, { touched: 3, late: ['shop'] })
  tenantMap(cluster, 'shop', { metadata, immutable: true })
  assert.equal((await push(cluster)).waitedMs, 0)
})

test('a push ends its wait with the last namespace', async () => {
  const cluster = healthyCluster()
  const clock = manualClock()
  distribute(cluster.objects, platformText.replace('10m', '9m'))
  clock.after(2_000, () => distribute(cluster.objects))
  const { exit, waitedMs } = await push(cluster, clock)
  assert.deepEqual({ exit, waitedMs }, { exit: 0, waitedMs: 2_000 })
  assert.equal(touchedIn(cluster, 'search'), 1)
})

test('where no controller writes, ambassadors are touched and the namespaces named', async () => {
  const cluster = healthyCluster()
  distribute(cluster.objects, platformText.replace('10m', '9m'))
  const { exit, data, waitedMs } = await push(cluster)
  assert.deepEqual({ exit, waitedMs }, { exit: 1, waitedMs: 30_000 })
  assert.deepEqual(data, { touched: 2, late: [system, 'search'] })
})

test('a label on a pod without a sidecar keeps no wait from its end', async () => {
  const cluster = healthyCluster()
  podAt(cluster.objects, labelled())
  const all = { exit: 0, text: `1 of 1 pod run ${sidecarsHash}.\n` }
  for (const options of [{}, { wait: '' }]) {
    const { exit, text } = await call(configStatus, cluster, { options })
    assert.deepEqual({ exit, text }, all)
  }
  assert.match((await call(status, cluster)).text, /^search +1 /m)
  assert.equal((await push(cluster)).exit, 0)
})

test('of checks only that of templates sees a label on a pod without a sidecar', async () => {
  const cluster = healthyCluster()
  const { metadata, ...pod } = labelled()
  const annotations = {}
  podAt(cluster.objects, { ...pod, metadata: { ...metadata, annotations, namespace: 'shop' } })
  hear(cluster, '1', [heard('web-1')])
  const { results } = await runChecks('after', {
    cluster: { api: cluster.api, systemNamespace: system },
    tryNamespace: 'default',
    wallMs,
  })
  const wrong = results.filter(({ verdict }) => verdict !== 'ok')
  assert.deepEqual(
    wrong.map(({ name, found }) => [name, found]),
    [["they are of today's template", 'not those of shop/Deployment/web']],
  )
})
